"""What a market cascade and a stop hunt say: forced orders, and who took the other side.

Plain text, one fact a line, as in `wording` and `evidence`. Levels are where the market was
and where the reading ends, no advice.
"""

from __future__ import annotations

from teleglas import numbers
from teleglas.charts.picture import BarRow, Level, RowsPicture
from ws_alert.delivery.phrases import NOUNS, Words, amount, by_venue, name, possible, score, versus
from ws_alert.messages import Alert, CascadeFacts, StopHuntFacts, StormLine

__all__ = ["cascade_picture", "details", "ended", "last", "levels", "lines", "news", "words"]

_HEAD_CHARS = 130
_LISTED = 20


def news(alert: Alert, facts: CascadeFacts | StopHuntFacts) -> str:
    """Return the first line, without the asset."""
    window = numbers.span(alert.window_ms)
    if isinstance(facts, CascadeFacts):
        storms = f"liquidation storms on {numbers.count(facts.assets, 'asset')} within {window}"
        return f"{storms}: {_floor(alert.told_usd)} liquidated{_majority(alert, facts)}"
    total = amount(alert.told_usd, sampled=alert.sampled)
    against = f"{amount(facts.absorbed_usd, sampled=False)} of large {_absorbers(alert)} against it"
    return f"stop hunt of {name(alert.direction)}s: {total} liquidated in {window}, {against}"


def last(alert: Alert, facts: CascadeFacts) -> str:
    """Return a cascade in a few words, for when it is over."""
    return f"storms had begun on {numbers.count(facts.assets, 'asset')}, {_floor(alert.told_usd)} liquidated"


def lines(alert: Alert, facts: CascadeFacts | StopHuntFacts) -> list[str]:
    """Return the lines under it, four; the last one, by venue, gives way to what else was found."""
    venues = [by_venue(alert)] if alert.venues else []
    if isinstance(facts, CascadeFacts):
        return [_sides(facts), _breadth(alert, facts), _head(facts.storms), *venues]
    return [_flush(alert, facts), _zone(facts), _absorption(alert, facts), *venues]


def ended(alert: Alert, facts: CascadeFacts | StopHuntFacts) -> list[str]:
    """Return what the last edit repeats."""
    if isinstance(facts, CascadeFacts):
        return [_sides(facts), _head(facts.storms)]
    return [_zone(facts), _absorption(alert, facts)]


def details(alert: Alert, facts: CascadeFacts | StopHuntFacts) -> list[str]:
    """Return the evidence: each storm or each level, and the rule."""
    if isinstance(facts, CascadeFacts):
        return [*_storms(facts.storms), *_cascade_rule(alert)]
    return _hunt_rule(alert, facts)


def words(alert: Alert, facts: StopHuntFacts) -> Words:
    """Return what a stop hunt's picture says."""
    flushed = f"{numbers.percent(facts.share * 100, 0)} {name(alert.direction)}s"
    taken = f"{numbers.usd(facts.absorbed_usd)} absorbed" if facts.absorbed_usd > 0 else ""
    told = (numbers.span(alert.window_ms), flushed, taken, score(alert))
    callout = f"flush {amount(alert.told_usd, sampled=alert.sampled)}"
    return Words("stop hunt", " · ".join(filter(None, told)), callout, up=alert.direction == "short")


def levels(facts: StopHuntFacts) -> tuple[tuple[Level, ...], tuple[float, float] | None]:
    """Return the levels of a stop hunt's picture and its zone; none where a price is impossible."""
    if not possible(facts.zone_low) or not possible(facts.zone_high) or not possible(facts.invalidation):
        return (), None
    zone = min(facts.zone_low, facts.zone_high), max(facts.zone_low, facts.zone_high)
    marked = [Level("zone low", zone[0], 0)]
    if zone[1] > zone[0]:
        marked.append(Level("zone high", zone[1], 0))
    return (*marked, Level("invalidation", facts.invalidation, -1)), zone


def cascade_picture(alert: Alert, facts: CascadeFacts) -> RowsPicture:
    """Return the storms as bars, longs and shorts in their colours."""
    rows = tuple(
        BarRow(
            f"{name(storm.asset)} {name(storm.direction)}s",
            numbers.usd(storm.usd, cut=True),
            storm.usd / 100,
            1 if storm.direction == "short" else -1,
        )
        for storm in facts.storms
        if storm.usd > 0
    )
    head = f"{numbers.count(facts.assets, 'asset')} within {numbers.span(alert.window_ms)}"
    return RowsPicture(
        title=f"{name(alert.asset)}  liquidation cascade",
        subtitle=f"{head} · {_floor(alert.told_usd)}{_majority(alert, facts)}",
        sources="each storm as it was when it began: lower bounds",
        footer=f"liquidations, UTC · {numbers.utc(alert.event_ms)[:-4]}",
        rows=rows,
        legend=(("■ longs liquidated", -1), ("■ shorts liquidated", 1)),
        simulated=alert.simulated,
    )


def _majority(alert: Alert, facts: CascadeFacts) -> str:
    both = facts.long_usd + facts.short_usd
    if both <= 0:
        return ""
    part = facts.short_usd if alert.direction == "short" else facts.long_usd
    return f", {numbers.percent(part / both * 100, 0)} {name(alert.direction)}s"


def _floor(cents: int) -> str:
    # A storm of a cascade is counted as it was when it began; what followed is not in the sum.
    return amount(cents, sampled=True)


def _sides(facts: CascadeFacts) -> str:
    return f"Longs liquidated: {_floor(facts.long_usd)} · shorts: {_floor(facts.short_usd)}"


def _breadth(alert: Alert, facts: CascadeFacts) -> str:
    counted = numbers.count(alert.told_count, NOUNS[alert.kind])
    if facts.active < max(1, facts.assets):
        return f"{numbers.count(facts.assets, 'asset')} in storm · {counted}"
    part = numbers.percent(facts.assets / facts.active * 100, 0)
    return f"In storm: {facts.assets:,} of {numbers.count(facts.active, 'active asset')} ({part}) · {counted}"


def _head(storms: tuple[StormLine, ...]) -> str:
    """List the storms, largest first, as many as fit into a line or two."""
    told: list[str] = []
    for storm in storms:
        words = f"{name(storm.asset)} {name(storm.direction)} {numbers.usd(storm.usd, cut=True)}"
        if storm.usd <= 0 or (told and sum(map(len, told)) + len(words) > _HEAD_CHARS):
            break
        told.append(words)
    if len(told) < len(storms):
        told.append(f"{len(storms) - len(told):,} more")
    return f"Storms, at least: {' · '.join(told) or 'none told'}"


def _storms(storms: tuple[StormLine, ...]) -> list[str]:
    told = [
        f"{numbers.clock(storm.episode_ms)} {name(storm.asset)} {name(storm.direction)}"
        f" {_floor(storm.usd)}, {numbers.count(storm.count, 'liquidation')}"
        for storm in storms[:_LISTED]
    ]
    if len(storms) > _LISTED:
        told.append(f"and {len(storms) - _LISTED:,} smaller ones")
    return ["Storms as they began, so all of it is a floor:", *told] if told else []


def _cascade_rule(alert: Alert) -> list[str]:
    least = alert.threshold_count
    if least <= 0:
        return []
    rule = f"Rule: storms that begin on at least {numbers.count(least, 'asset')} within {numbers.span(alert.window_ms)}"
    return (
        [rule]
        if least == 1
        else [rule, f"Would not have fired with only {numbers.count(least - 1, 'asset')}"]
    )


def _flush(alert: Alert, facts: StopHuntFacts) -> str:
    counted = numbers.count(alert.told_count, NOUNS[alert.kind])
    part = numbers.percent(facts.share * 100, 0)
    return f"Flushed: {counted}, {part} {name(alert.direction)}s · {versus(alert)}"


def _zone(facts: StopHuntFacts) -> str:
    if not possible(facts.zone_low) or not possible(facts.zone_high):
        return "Zone unknown: no possible price was told of these liquidations"
    told = [f"Zone {numbers.price(facts.zone_low)} to {numbers.price(facts.zone_high)}"]
    told.append(
        f"last price {numbers.price(facts.last_price)}"
        if possible(facts.last_price)
        else "last price unknown"
    )
    if possible(facts.invalidation):
        below = facts.invalidation < facts.zone_low
        edge = facts.zone_low if below else facts.zone_high
        away = numbers.percent(abs(facts.invalidation / edge - 1) * 100)
        told.append(
            f"invalidation {numbers.price(facts.invalidation)} ({away} {'below' if below else 'above'} the zone)"
        )
    return " · ".join(told)


def _absorption(alert: Alert, facts: StopHuntFacts) -> str:
    forced = "sells" if alert.direction == "long" else "buys"
    orders = numbers.count(facts.absorbed_count, f"large {_absorbers(alert)[:-1]}")
    taken = f"{orders}, {amount(facts.absorbed_usd, sampled=False)}, against the forced {forced}"
    return " · ".join(filter(None, (f"Absorption: {taken}", score(alert))))


def _absorbers(alert: Alert) -> str:
    return "buys" if alert.direction == "long" else "sells"


def _hunt_rule(alert: Alert, facts: StopHuntFacts) -> list[str]:
    if alert.threshold_usd <= 0:
        return []
    least = numbers.usd_short(alert.threshold_usd)
    side = "" if facts.majority is None else f", {numbers.percent(facts.majority * 100, 0)} of it one side"
    limit = facts.absorption_limit or 0
    orders = f"more than {numbers.usd_short(limit)} of large orders" if limit > 0 else "large orders"
    rule = f"Rule: more than {least} liquidated in {numbers.span(alert.window_ms)}{side}; then {orders} against it"
    spare = alert.told_usd - alert.threshold_usd
    if alert.final or spare <= 0:
        return [rule]
    return [rule, f"Would not have fired if {numbers.usd(spare)} smaller, or without the absorption"]
