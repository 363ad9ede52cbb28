"""How strong a finding is by its own measure, which its kind's record is read against. Pure."""

from __future__ import annotations

from ws_alert.messages import (
    AccumulationFacts,
    CascadeFacts,
    ConfluenceFacts,
    DivergenceFacts,
    Finding,
    FundingFacts,
    SpikeFacts,
)

__all__ = ["strength"]


def strength(finding: Finding) -> float | None:
    """Return its score, or, of a kind without one, what it measured in multiples of its threshold.

    A cascade's is the number of its assets, a confluence's its confidence; a kind that calls no direction has none.
    """
    facts = finding.facts
    match facts:
        case SpikeFacts() | DivergenceFacts():
            found = None
        case ConfluenceFacts(confidence=confidence):
            found = float(confidence)
        case CascadeFacts(assets=assets):
            found = float(assets)
        case FundingFacts(extreme_8h=extreme, limit_8h=limit):
            found = _ratio(abs(extreme), limit)
        case AccumulationFacts():
            found = _ratio(finding.count, finding.threshold_count)
        case _:
            found = finding.score
            if found is None:
                found = _ratio(finding.usd, finding.threshold_usd)
    return found


def _ratio(value: float, of: float | None) -> float | None:
    return value / of if of else None
