"""What extreme funding and diverging open interest say: who pays, and where positions grew.

Plain text, one fact a line, as in `wording` and `evidence`. Funding is scaled to 8 hours,
positive: longs pay shorts. Open interest is single-sided, in cents.
"""

from __future__ import annotations

from teleglas import numbers
from teleglas.charts.picture import BarRow, RowsPicture
from ws_alert.delivery.phrases import asset, name, venue
from ws_alert.messages import Alert, DivergenceFacts, FundingFacts, FundingRate

__all__ = ["WEIGHTED", "details", "last", "lines", "news", "picture", "rate"]

WEIGHTED = "weighted"
"""In `extreme_of`: the mean over venues was extreme."""

_SHOWN = 3
_LISTED = 20
_VENUE_CHARS = 14


def news(facts: FundingFacts | DivergenceFacts) -> str:
    """Return the first line, without the asset."""
    if isinstance(facts, FundingFacts):
        return f"funding {_extreme(facts)}, {_payer(facts.extreme_8h)}"
    rose, fell = _percents(facts)
    span = numbers.span(facts.to_ms - facts.from_ms)
    return f"open interest rose {rose} on {venue(facts.venue)} and fell {fell} on {_others(facts)} in {span}"


def lines(facts: FundingFacts | DivergenceFacts) -> list[str]:
    """Return the lines under it, two or three."""
    if isinstance(facts, FundingFacts):
        return [_mean(facts), _by_venue(facts)]
    rose, fell = _percents(facts)
    span = f"{numbers.clock(facts.from_ms)} to {numbers.clock(facts.to_ms)} UTC"
    return [
        f"{venue(facts.venue)} {_way(facts.venue_from, facts.venue_to)} (+{rose})",
        f"{_named(facts)} {_way(facts.others_from, facts.others_to)} (-{fell})",
        f"Compared {span}, single-sided",
    ]


def last(facts: FundingFacts | DivergenceFacts) -> str:
    """Return the level in a few words, for when it is over: it has a length, no total."""
    if isinstance(facts, FundingFacts):
        return f"funding was {_extreme(facts)} when last told"
    rose, fell = _percents(facts)
    return f"open interest was +{rose} on {venue(facts.venue)}, -{fell} on {_others(facts)} when last told"


def details(facts: FundingFacts | DivergenceFacts) -> list[str]:
    """Return each venue's figures and the rule."""
    if isinstance(facts, FundingFacts):
        return [*_rates(facts), *_funding_rule(facts)]
    told = (
        [f"Others: {', '.join(venue(each) for each in facts.others[:_LISTED])}"]
        if len(facts.others) > _SHOWN
        else []
    )
    if facts.rise_limit is None or facts.fall_limit is None:
        return told
    up, down = (_short(limit) for limit in (facts.rise_limit, facts.fall_limit))
    return [
        *told,
        f"Rule: up at least {up} on one venue and down at least {down} on the sum of the others",
        f"Would not have fired below {up} on {venue(facts.venue)}, or with the others down less than {down}",
    ]


def picture(alert: Alert, facts: FundingFacts | DivergenceFacts) -> RowsPicture:
    """Return the venues as bars: funding per 8 hours, or the change of open interest."""
    return (
        _funding_picture(alert, facts) if isinstance(facts, FundingFacts) else _interest_picture(alert, facts)
    )


def _funding_picture(alert: Alert, facts: FundingFacts) -> RowsPicture:
    rows = [
        BarRow(
            f"{venue(each.venue, _VENUE_CHARS)} {name(each.symbol)}, every {each.interval_h:g} h",
            rate(each.percent_8h),
            each.percent_8h,
            _tone(each.percent_8h),
        )
        for each in facts.rates
    ]
    if facts.weighted_8h is not None:
        rows.insert(0, BarRow("weighted by open interest", rate(facts.weighted_8h), facts.weighted_8h))
    marks = []
    if facts.limit_8h is not None:
        limit = facts.limit_8h if facts.extreme_8h >= 0 else -facts.limit_8h
        marks.append((limit, f"threshold {_short(limit)}"))
    return RowsPicture(
        title=f"{asset(alert)}  funding per 8 h",
        subtitle=f"{_extreme(facts)} · {_payer(facts.extreme_8h)}",
        sources=f"{numbers.count(len(facts.rates), 'contract')}, scaled to 8 hours from each one's interval",
        footer=f"as told by {numbers.utc(alert.event_ms)}",
        rows=tuple(rows),
        legend=(("■ longs pay", -1), ("■ shorts pay", 1)),
        marks=tuple(marks),
        simulated=alert.simulated,
    )


def _interest_picture(alert: Alert, facts: DivergenceFacts) -> RowsPicture:
    rose, fell = _percents(facts)
    span = numbers.span(facts.to_ms - facts.from_ms)
    rows = (
        BarRow(
            f"{venue(facts.venue)}  {_way(facts.venue_from, facts.venue_to)}",
            f"+{rose}",
            abs(facts.rise_pct),
            1,
        ),
        BarRow(f"others  {_way(facts.others_from, facts.others_to)}", f"-{fell}", -abs(facts.fall_pct), -1),
    )
    limits = ((facts.rise_limit, 1), (facts.fall_limit, -1))
    return RowsPicture(
        title=f"{asset(alert)}  open interest",
        subtitle=f"{venue(facts.venue)} +{rose}, others -{fell} in {span}",
        sources=f"others: {', '.join(venue(each, _VENUE_CHARS) for each in facts.others)} · single-sided USD",
        footer=f"{numbers.clock(facts.from_ms)} to {numbers.utc(facts.to_ms)}",
        rows=rows,
        marks=tuple((limit * sign, f"{limit * sign:+g} %") for limit, sign in limits if limit is not None),
        simulated=alert.simulated,
    )


def _tone(percent_8h: float) -> int:
    # In the colours of the other pictures: what presses longs is red.
    return 1 if percent_8h < 0 else -1


def rate(percent_8h: float) -> str:
    """Write a funding rate: `+0.0100 %`."""
    return numbers.percent(percent_8h, 4, signed=True)


def _extreme(facts: FundingFacts) -> str:
    if facts.extreme_of == WEIGHTED:
        known = numbers.count(len(_weighing(facts)), "contract")
        return f"{rate(facts.extreme_8h)} per 8 h, weighted by open interest over {known}"
    return f"{rate(facts.extreme_8h)} per 8 h on {venue(facts.extreme_of)}"


def _payer(percent_8h: float) -> str:
    return "shorts pay longs" if percent_8h < 0 else "longs pay shorts"


def _weighing(facts: FundingFacts) -> list[FundingRate]:
    return [each for each in facts.rates if each.oi_usd]


def _mean(facts: FundingFacts) -> str:
    limit = "" if facts.limit_8h is None else f" · threshold {_short(facts.limit_8h)}"
    if facts.weighted_8h is None:
        return f"Mean weighted by open interest unknown: not told by any venue{limit}"
    known = f"{len(_weighing(facts))} of {numbers.count(len(facts.rates), 'contract')}"
    return f"Weighted by open interest {rate(facts.weighted_8h)} per 8 h ({known}){limit}"


def _by_venue(facts: FundingFacts) -> str:
    if not facts.rates:
        return "By venue: none told"
    told = [
        f"{venue(each.venue, _VENUE_CHARS)} {rate(each.percent_8h)} ({_every(each)})"
        for each in facts.rates[:_SHOWN]
    ]
    if len(facts.rates) > _SHOWN:
        told.append(f"{len(facts.rates) - _SHOWN:,} more")
    return f"Per 8 h: {' · '.join(told)}"


def _every(each: FundingRate) -> str:
    return f"paid every {each.interval_h:g} h"


def _rates(facts: FundingFacts) -> list[str]:
    told = []
    for each in facts.rates[:_LISTED]:
        own = rate(each.percent_8h * each.interval_h / 8)
        interest = f"open interest {numbers.usd(each.oi_usd)}" if each.oi_usd else "open interest not told"
        told.append(
            f"{venue(each.venue)} {name(each.symbol)} {rate(each.percent_8h)} per 8 h: {own} every {each.interval_h:g} h,"
            f" {interest}, {numbers.clock(each.at_ms)} UTC"
        )
    return told


def _funding_rule(facts: FundingFacts) -> list[str]:
    if facts.limit_8h is None:
        return []
    limit = _short(facts.limit_8h)
    return [
        f"Rule: at least {limit} per 8 h, of either sign, on one contract",
        f"Would not have fired with every rate below {limit}",
    ]


def _short(percent: float) -> str:
    return f"{percent:g} %"


def _percents(facts: DivergenceFacts) -> tuple[str, str]:
    return numbers.percent(abs(facts.rise_pct)), numbers.percent(abs(facts.fall_pct))


def _others(facts: DivergenceFacts) -> str:
    if len(facts.others) == 1:
        return venue(facts.others[0])
    return f"the sum of {len(facts.others)} others"


def _named(facts: DivergenceFacts) -> str:
    if not facts.others or len(facts.others) > _SHOWN:
        return f"{len(facts.others)} others together"
    listed = ", ".join(venue(each, _VENUE_CHARS) for each in facts.others)
    return listed if len(facts.others) == 1 else f"{listed} together"


def _way(before: int, after: int) -> str:
    first, then = (numbers.usd(cents) if cents > 0 else "unknown" for cents in (before, after))
    return f"{first} → {then}"
