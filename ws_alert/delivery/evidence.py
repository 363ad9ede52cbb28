"""The details under an alert: what a reader needs to check it, most wanted first.

Plain text, one fact a line; `render` escapes it and drops lines from the end if they do
not fit.
"""

from __future__ import annotations

from teleglas import numbers
from ws_alert.delivery import analysis, record
from ws_alert.delivery.analysis import AnalysisFacts
from ws_alert.delivery.phrases import NOUNS, by_venue, name, price_of, side_taken, venue
from ws_alert.delivery.wording import body, extras
from ws_alert.messages import Alert, ClusterFacts, Coverage, EventRow, Kind, RadarFacts

__all__ = ["evidence"]

FULL_COVERAGE = 0.95
"""Below this share of healthy seconds a venue's coverage is told (SPEC 5)."""

_SHOWN = 20


def evidence(alert: Alert) -> list[str]:
    """Return the detail lines, in order of weight."""
    lines = [*_gaps(alert), *record.lines(alert), *_left_over(alert), *_score(alert), *_facts(alert)]
    if len(alert.venues) > 3:
        lines.append(by_venue(alert, shown=_SHOWN))
    return [*lines, *_sources(alert), _latency(alert)]


def _facts(alert: Alert) -> list[str]:
    if isinstance(alert.facts, AnalysisFacts):
        return [*analysis.details(alert, alert.facts), *_largest(alert)]
    return [*_largest(alert), *_rule(alert)]


def _left_over(alert: Alert) -> list[str]:
    """Return what belongs to the head but had no room there."""
    told = body(alert)
    return [line for line in extras(alert) if line not in told]


def _score(alert: Alert) -> list[str]:
    if not alert.score_parts:
        return []
    first, *rest = alert.score_parts
    parts = [f"{first.points:g} {first.name}", *(f"{part.points:+g} {part.name}" for part in rest)]
    total = sum(part.points for part in alert.score_parts)
    capped = f", capped at {alert.score:.0f}" if alert.score is not None and total > alert.score else ""
    return [f"Score, not a probability: {' · '.join(parts)}{capped}"]


def _gaps(alert: Alert) -> list[str]:
    worst: dict[str, Coverage] = {}
    for each in alert.coverage:  # a radar has two feeds of a venue: the weaker one counts
        if each.share < min(FULL_COVERAGE, worst[each.venue].share if each.venue in worst else 1.0):
            worst[each.venue] = each
    lines = []
    if worst:
        lines.append(
            f"Coverage of the window: {_shares(list(worst.values())[:_SHOWN])}; the rest was not seen"
        )
    if alert.degraded:
        polled = ", ".join(venue(each) for each in alert.degraded[:_SHOWN])
        lines.append(f"Degraded: {polled} polled, not streamed")
    return lines


def _shares(thin: list[Coverage]) -> str:
    """Name the venues together that saw the same share: `Bybit, OKX 62 % (live), Binance 50 % (down)`."""
    alike: dict[str, list[str]] = {}
    for each in thin:
        share = f"{numbers.percent(_floor(each.share), 0)} ({name(each.state)})"
        alike.setdefault(share, []).append(venue(each.venue))
    return ", ".join(f"{', '.join(venues)} {share}" for share, venues in alike.items())


def _floor(share: float) -> float:
    # 0.949 must not read 95 %, which is the border above which nothing is said.
    return int(max(0.0, share) * 100)


def _largest(alert: Alert) -> list[str]:
    if alert.kind in {Kind.LARGE_LIQUIDATION, Kind.WHALE_TRADE} or not alert.top:
        return []
    return ["Largest:", *(_event(row) for row in alert.top[:5])]


def _event(row: EventRow) -> str:
    value = f"at least {numbers.usd(row.usd, cut=True)}" if row.sampled else numbers.usd(row.usd)
    what = f"{name(row.side)} liquidated" if row.side in {"long", "short"} else side_taken(row.side)
    kind = f" ({name(row.price_kind)} price)" if row.price_kind != "fill" else ""
    place = f"{venue(row.venue)} {name(row.symbol)}"
    return f"{numbers.clock(row.event_ms)} {value} {what} at {price_of(row)}{kind}, {place}"


def _rule(alert: Alert) -> list[str]:
    if isinstance(alert.facts, RadarFacts):
        facts = alert.facts
        lines = [
            f"Score: {numbers.score(facts.score_v2)} decides (v2); the older v1 would be {numbers.score(facts.score_v1)}"
        ]
        if facts.storm_count and facts.cluster_count:
            lines.append(
                "Would not have fired if the storm or the large orders had been below their own threshold"
            )
        return lines
    if alert.threshold_usd <= 0:
        return []
    threshold = numbers.usd_short(alert.threshold_usd)
    window = f" in {numbers.span(alert.window_ms)}" if alert.window_ms else ""
    counted = (
        f" and {numbers.count(alert.threshold_count, NOUNS[alert.kind])}" if alert.threshold_count > 1 else ""
    )
    one = "" if alert.window_ms else f"one {'order' if alert.kind is Kind.WHALE_TRADE else 'liquidation'} of "
    line = f"Rule: {one}at least {threshold}{counted}{window}"
    if isinstance(alert.facts, ClusterFacts):
        line += ", one side dominating"
    needed = alert.threshold_usd
    if alert.normal is not None and alert.normal.usd > 0:
        line += f", and at least its normal of {numbers.usd(alert.normal.usd)}"
        needed = max(needed, alert.normal.usd)
    spare = alert.told_usd - needed
    if alert.final or spare < 0:
        return [line]
    without = f"if more than {numbers.usd(spare)} smaller" if spare else "if any smaller"
    if alert.threshold_count > 1:
        without += f", or with only {numbers.count(alert.threshold_count - 1, NOUNS[alert.kind])}"
    return [line, f"Would not have fired {without}"]


def _sources(alert: Alert) -> list[str]:
    sampling = sorted({venue(row.venue) for row in alert.top if row.sampled})
    lines = []
    if sampling:
        verb = "publishes" if len(sampling) == 1 else "publish"
        lines.append(f"“At least”, because {' and '.join(sampling)} {verb} only a sample")
    elif alert.sampled:
        lines.append("“At least”, because a venue in this sum publishes only a sample")
    return lines


def _latency(alert: Alert) -> str:
    arrived = alert.received_ms - alert.event_ms
    path = f"{numbers.age(arrived)} from the venue" if arrived >= 0 else "the venue's clock is ahead of ours"
    return (
        f"Latency: {path}, then {numbers.age(alert.release_ms - alert.received_ms)} until this was released"
    )
