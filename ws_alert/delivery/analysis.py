"""Where the words of each kind beyond the first five are: one call of `wording` and `evidence` for all of them."""

from __future__ import annotations

from ws_alert.delivery import confluence, flows, flushes, positioning
from ws_alert.messages import (
    AccumulationFacts,
    Alert,
    CascadeFacts,
    ConfluenceFacts,
    DivergenceFacts,
    FlowFacts,
    FundingFacts,
    SpikeFacts,
    StopHuntFacts,
)

__all__ = ["AnalysisFacts", "UncountedFacts", "details", "ended", "last", "lines", "news"]

UncountedFacts = CascadeFacts | FlowFacts | AccumulationFacts | SpikeFacts | FundingFacts | DivergenceFacts
"""Of the kinds whose episodes add no events up: their last edit tells a length and what was last told, no total."""

AnalysisFacts = ConfluenceFacts | StopHuntFacts | UncountedFacts


def news(alert: Alert, facts: AnalysisFacts) -> str:
    """Return the first line, without the asset."""
    match facts:
        case ConfluenceFacts():
            return confluence.news(alert, facts)
        case CascadeFacts() | StopHuntFacts():
            return flushes.news(alert, facts)
        case FundingFacts() | DivergenceFacts():
            return positioning.news(facts)
        case _:
            return flows.news(alert, facts)


def lines(alert: Alert, facts: AnalysisFacts) -> list[str]:
    """Return the lines under it, at most four."""
    match facts:
        case ConfluenceFacts():
            return confluence.lines(facts)
        case CascadeFacts() | StopHuntFacts():
            return flushes.lines(alert, facts)
        case FundingFacts() | DivergenceFacts():
            return positioning.lines(facts)
        case _:
            return flows.lines(alert, facts)


def details(alert: Alert, facts: AnalysisFacts) -> list[str]:
    """Return the evidence that only this kind has, and its rule."""
    match facts:
        case ConfluenceFacts():
            return confluence.details(alert, facts)
        case CascadeFacts() | StopHuntFacts():
            return flushes.details(alert, facts)
        case FundingFacts() | DivergenceFacts():
            return positioning.details(facts)
        case _:
            return flows.details(alert, facts)


def last(alert: Alert, facts: UncountedFacts) -> str:
    """Return in a few words what was last told, for when it is over."""
    match facts:
        case CascadeFacts():
            return flushes.last(alert, facts)
        case FundingFacts() | DivergenceFacts():
            return positioning.last(facts)
        case _:
            return flows.last(alert, facts)


def ended(alert: Alert, facts: StopHuntFacts | UncountedFacts) -> list[str]:
    """Return what the last edit repeats of the lines, at most three."""
    match facts:
        case CascadeFacts() | StopHuntFacts():
            return flushes.ended(alert, facts)
        case FundingFacts() | DivergenceFacts():
            return positioning.lines(facts)
        case _:
            return flows.ended(alert, facts)
