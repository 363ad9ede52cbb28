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

__all__ = ["AnalysisFacts", "LevelFacts", "details", "ended", "last", "lines", "news"]

LevelFacts = FlowFacts | AccumulationFacts | FundingFacts | DivergenceFacts
"""Facts of the kinds that are a level: they have a length and no total."""

AnalysisFacts = ConfluenceFacts | CascadeFacts | StopHuntFacts | SpikeFacts | LevelFacts


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


def last(alert: Alert, facts: LevelFacts) -> str:
    """Return a level in a few words, for when it is over."""
    if isinstance(facts, FlowFacts | AccumulationFacts):
        return flows.last(alert, facts)
    return positioning.last(facts)


def ended(alert: Alert, facts: CascadeFacts | StopHuntFacts | SpikeFacts) -> list[str]:
    """Return what the last edit of an episode repeats."""
    if isinstance(facts, SpikeFacts):
        return flows.ended(alert, facts)
    return flushes.ended(alert, facts)
