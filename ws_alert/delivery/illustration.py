"""Alert in, picture out: which words and rows the chart shows (the drawing is `teleglas.charts`)."""

from __future__ import annotations

from teleglas import numbers
from teleglas.charts.picture import AnyPicture, Picture
from ws_alert.delivery import confluence, flows, flushes, positioning
from ws_alert.delivery.phrases import NOUNS, Words, amount, asset, name, side_taken, venue
from ws_alert.messages import (
    AccumulationFacts,
    Alert,
    CascadeFacts,
    Chart,
    ClusterFacts,
    ConfluenceFacts,
    DivergenceFacts,
    FlowFacts,
    FundingFacts,
    LargeFacts,
    RadarFacts,
    SpikeFacts,
    StopHuntFacts,
    WhaleFacts,
)

__all__ = ["illustration"]


def illustration(alert: Alert) -> AnyPicture | None:
    """Return the picture of the very data that fired; None if the alert carries none."""
    match alert.facts:
        case ConfluenceFacts() as facts:
            return confluence.picture(alert, facts, alert.candles) if alert.candles else None
        case CascadeFacts() as facts:
            return flushes.cascade_picture(alert, facts) if facts.storms else None
        case FundingFacts() | DivergenceFacts() as facts:
            return positioning.picture(alert, facts)
        case _:
            return _tape(alert, alert.chart) if alert.chart else None


def _tape(alert: Alert, chart: Chart) -> Picture:
    """Return price and flow of the asset around the window that fired."""
    orders, words = chart.bars_are == "orders", _words(alert)
    levels, zone = flushes.levels(alert.facts) if isinstance(alert.facts, StopHuntFacts) else ((), None)
    shade_from, shade_to = _window(alert, chart)
    from_ms, to_ms = _span(chart)
    return Picture(
        title=f"{asset(alert)}  {words.what or ('taker orders' if orders else 'liquidations')}",
        subtitle=words.subtitle,
        sources=_sources(alert),
        footer=_footer(alert, chart),
        from_ms=from_ms,
        to_ms=to_ms,
        bucket_ms=chart.bucket_ms,
        price=chart.price,
        bars=chart.bars,
        up="buys" if orders else "shorts",
        down="sells" if orders else "longs",
        shade_from_ms=shade_from,
        shade_to_ms=shade_to,
        callout=words.callout,
        callout_up=words.up,
        simulated=alert.simulated,
        levels=levels,
        zone=zone,
        sampled=not orders,
    )


def _words(alert: Alert) -> Words:
    match alert.facts:
        case StopHuntFacts() as facts:
            words = flushes.words(alert, facts)
        case FlowFacts() | AccumulationFacts() | SpikeFacts() as facts:
            words = flows.words(alert, facts)
        case _:
            side, callout = _callout(alert)
            return Words("", _subtitle(alert), callout, up=side in {"short", "buy"})
    if not alert.final:
        return words
    over = _over(alert) if alert.total_count > 1 else f"over after {numbers.span(alert.duration_ms)}"
    return Words(words.what, over, words.callout, up=words.up)


def _over(alert: Alert) -> str:
    counted = numbers.count(alert.total_count, NOUNS[alert.kind])
    return f"over after {numbers.span(alert.duration_ms)} · {amount(alert.total_usd, sampled=alert.sampled)} · {counted}"


def _span(chart: Chart) -> tuple[int, int]:
    # Whole buckets, or the newest one, which is what fired, would lie beyond the edge.
    opened = [row[0] for row in chart.price] + [row[0] for row in chart.bars]
    last = max([chart.to_ms, *(at + chart.bucket_ms for at in opened)])
    return min([chart.from_ms - chart.from_ms % chart.bucket_ms, *opened]), last


def _window(alert: Alert, chart: Chart) -> tuple[int, int]:
    end = alert.episode_ms + alert.duration_ms if alert.final else alert.event_ms
    begin = min(alert.episode_ms, end) - alert.window_ms
    if end - begin >= chart.bucket_ms:
        return begin, end
    # A single event has no window; its whole bar is shaded, because the bar is what one sees.
    begin -= begin % chart.bucket_ms
    return begin, begin + chart.bucket_ms


def _callout(alert: Alert) -> tuple[str, str]:
    match alert.facts:
        case LargeFacts(row) | WhaleFacts(row):
            value = amount(row.usd, sampled=alert.sampled or row.sampled)
            return row.side, f"{value} {side_taken(row.side) if row.side in {'buy', 'sell'} else ''}".strip()
        case ClusterFacts(bought, sold):
            return (
                alert.direction,
                f"{side_taken(alert.direction)} {amount(max(bought, sold), sampled=alert.sampled)}",
            )
        case RadarFacts():
            return alert.facts.storm_side, f"storm {amount(alert.facts.storm_usd, sampled=alert.sampled)}"
        case _:
            return alert.direction, f"storm {amount(alert.told_usd, sampled=alert.sampled)}"


def _subtitle(alert: Alert) -> str:
    if alert.final and alert.total_count > 1:
        return _over(alert)
    window = numbers.span(alert.window_ms)
    match alert.facts:
        case LargeFacts(row):
            return f"one {name(row.side)} · {numbers.clock(row.event_ms)} · {venue(row.venue)}"
        case WhaleFacts(row):
            return f"one order {side_taken(row.side)} · {numbers.clock(row.event_ms)} · {venue(row.venue)}"
        case ClusterFacts(bought, sold):
            return f"{window} · bought {numbers.usd(bought)} · sold {numbers.usd(sold)}"
        case RadarFacts():
            facts = alert.facts
            return f"radar {facts.band} {numbers.score(facts.score_v2)} · {window} · pressure {name(facts.pressure)}"
        case _:
            counted = numbers.count(alert.told_count, "liquidation")
            return f"{window} · {name(alert.direction)}s · {counted}"


def _sources(alert: Alert) -> str:
    venues = sorted(
        {venue(each, 12) for each in [pair[0] for pair in alert.venues] + [c.venue for c in alert.coverage]}
    )
    if isinstance(alert.facts, LargeFacts | WhaleFacts) and not alert.coverage:
        listed = "all venues watched"
    else:
        listed = ", ".join(venues[:4]) + (f" and {len(venues) - 4} more" if len(venues) > 4 else "")
    return (listed or "all venues watched") + (" · sampled: lower bounds" if alert.sampled else "")


def _footer(alert: Alert, chart: Chart) -> str:
    bucket = numbers.span(chart.bucket_ms)
    return f"{bucket} bars · {numbers.span(chart.to_ms - chart.from_ms)} · UTC · {numbers.utc(alert.event_ms)[:-4]}"
