"""The daily digest in, message out: what the market did yesterday, and what of it was not seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from teleglas import numbers
from teleglas.charts.picture import MarketPicture, MarketRow
from teleglas.daily_time import parse
from teleglas.market_view import MarketView
from teleglas.telegram.text import escape
from ws_alert.delivery.phrases import amount, name, possible, venue
from ws_alert.delivery.render import fitted
from ws_alert.delivery.rendered import MAX_CAPTION, MAX_HTML, MAYBE_SENT, Message
from ws_alert.messages import Daily, Kind

__all__ = ["render_daily"]

_LATE_MS = 300_000
_KINDS = 4
_GAPS = 3
_VENUES = 4
_TICK_HOURS = 6
_HALF_HOUR_MS = 1_800_000

_Clock = Callable[[int], str]


def render_daily(
    daily: Daily, *, maybe_sent: bool = False, now_ms: int | None = None, before: Sequence[str] = ()
) -> Message:
    """Say the digest of a day, silently.

    now_ms: when it is being sent, by default when it was due. before: lines that stand above the news.
    """
    clock = _clock(daily)
    head = [*map(escape, before), f"<b>{escape(_headline(daily))}</b>"]
    head += [escape(line) for line in _body(daily, clock)]
    details = [escape(line) for line in _details(daily, clock)]
    foot = [escape(_footer(daily, daily.due_ms if now_ms is None else now_ms)), "#daily"]
    if maybe_sent:
        foot.append(MAYBE_SENT)
    return Message(
        html=fitted(head, details, foot, MAX_HTML),
        caption=fitted(head, details, foot, MAX_CAPTION),
        picture=_picture(daily, clock),
        silent=True,
        alert_id=daily.digest_id,
    )


def _headline(daily: Daily) -> str:
    seen = daily.view
    start = "SIMULATED yesterday" if daily.simulated else "Yesterday"
    if seen.is_blind:
        return f"{start}: nothing is known, because {_blindness(seen)}"
    if not seen.usd:
        return f"{start}: no liquidation was recorded"
    return f"{start}: {_usd(seen.usd, seen)} liquidated, {_storms(seen)}"


def _blindness(seen: MarketView) -> str:
    return "no feed was complete at any time" if seen.feeds else "nothing was recorded"


def _storms(seen: MarketView) -> str:
    least = "at least " if seen.is_short and seen.storms else ""
    counted = f"{least}{numbers.count(seen.storms, 'storm')}" if seen.storms else "no storm"
    storm = seen.storm
    if storm is None:
        return counted
    largest = "" if seen.storms == 1 else "the largest "
    usd = amount(storm.usd, sampled=seen.at_least or not storm.ended)
    return f"{counted}, {largest}{name(storm.asset)} {name(storm.direction)}s {usd}"


def _body(daily: Daily, clock: _Clock) -> Iterator[str]:
    seen = daily.view
    yield _day(daily)
    if seen.usd and seen.long_share is not None:
        longs, shorts = _usd(seen.long_usd, seen), _usd(seen.short_usd, seen)
        ratio = "" if seen.ratio is None else f" · longs/shorts {seen.ratio:,.2f}"
        yield f"Longs {longs} ({numbers.percent(seen.long_share * 100, 0)}), shorts {shorts}{ratio}"
    if seen.assets:
        share = numbers.percent(seen.storm_assets / seen.assets * 100, 1)
        yield f"In storm: {seen.storm_assets:,} of {numbers.count(seen.assets, 'coin')} with liquidations ({share})"
    yield from _singles(seen, clock)
    yield from _unseen(seen, clock)


def _singles(seen: MarketView, clock: _Clock) -> Iterator[str]:
    one = seen.largest
    if one is not None:
        price = f" at {numbers.price(one.price)}" if possible(one.price) else ""
        usd = numbers.usd(one.usd)
        yield f"Largest single: {usd} {name(one.asset)} {name(one.side)} on {venue(one.venue)}{price}, {clock(one.event_ms)}"
    if seen.top:
        least = ", at least" if seen.at_least else ""
        told = " · ".join(
            f"{name(part.asset)} {numbers.usd(part.usd, cut=seen.at_least)}" for part in seen.top
        )
        yield f"Most{least}: {told}"


def _unseen(seen: MarketView, clock: _Clock) -> Iterator[str]:
    """Say what is missing: when nothing was recorded, and how little of the rest was seen."""
    ranked = sorted(seen.gaps, key=lambda gap: (gap[0] - gap[1], gap[0]))
    if ranked:
        told = ", ".join(
            f"{clock(start)} to {_end(end, seen, clock)}" for start, end in sorted(ranked[:_GAPS])
        )
        more = f" and {len(ranked) - _GAPS} shorter times" if len(ranked) > _GAPS else ""
        yield f"Nothing was recorded from {told}{more}: the alert process did not run, or could not write"
    if seen.is_short and not seen.is_blind:
        yield f"Only {seen.coverage_percent} % of the day was seen; the sums are of that"


def _end(ms: int, seen: MarketView, clock: _Clock) -> str:
    return "24:00" if ms == seen.to_ms and clock(ms) == "00:00" else clock(ms)


def _details(daily: Daily, clock: _Clock) -> Iterator[str]:
    seen = daily.view
    feeds = {feed.venue: feed for feed in seen.feeds}
    for part in seen.venues:
        cover = ""
        if part.venue in feeds and seen.span_ms:
            cover = f", {min(100, feeds[part.venue].live_ms * 100 // seen.span_ms)} % of the day seen"
        yield f"{venue(part.venue)}: longs {_usd(part.long_usd, seen)}, shorts {_usd(part.short_usd, seen)}{cover}"
    others = [(kind, n) for kind, n in seen.kinds if kind != Kind.LIQUIDATION_STORM]
    if others:
        told = " · ".join(numbers.count(n, kind.replace("_", " ")) for kind, n in others[:_KINDS])
        yield f"Also found: {told}"
    busiest = seen.busiest
    if busiest is not None:
        end_ms = min(seen.to_ms, busiest.open_ms + seen.bucket_ms)
        yield f"Busiest hour: {clock(busiest.open_ms)} to {clock(end_ms)}, {_usd(busiest.usd, seen)}"
    silent = [feed.venue for feed in seen.feeds if not feed.live_ms]
    if silent:
        yield f"Never complete: {', '.join(map(venue, silent))}"
    if seen.sampled and seen.usd:
        yield "“At least”, because all venues but Bybit publish only a sample of their liquidations"
    if seen.storm is not None:
        yield f"The largest storm began at {clock(seen.storm.episode_ms)}"


def _footer(daily: Daily, told_ms: int) -> str:
    seen = daily.view
    venues = ", ".join(venue(feed.venue, 12) for feed in seen.feeds[:_VENUES])
    more = " …" if len(seen.feeds) > _VENUES else ""
    told = (
        f"Source: our own tape of {venues}{more}, coverage {seen.coverage_percent} %"
        if venues
        else "Source: our own tape"
    )
    late_ms = told_ms - daily.due_ms
    return told + (
        f" · due {parse(daily.at).clock}, {numbers.span(late_ms)} late" if late_ms > _LATE_MS else ""
    )


def _day(daily: Daily) -> str:
    seen, zone = daily.view, parse(daily.at).zone
    told = _date(daily)
    if zone == "UTC":
        return f"{told}, 00:00 to 24:00 UTC"
    from_utc, to_utc = (
        f"{datetime.fromtimestamp(ms / 1000, UTC):%m-%d %H:%M}" for ms in (seen.from_ms, seen.to_ms)
    )
    return f"{told} in {name(zone, 40)} (UTC {from_utc} to {to_utc})"


def _date(daily: Daily) -> str:
    day = datetime.fromisoformat(daily.day)
    return f"{day:%a} {day.day} {day:%b %Y}"


def _usd(cents: int, seen: MarketView) -> str:
    return amount(cents, sampled=seen.at_least)


def _clock(daily: Daily) -> _Clock:
    zone = ZoneInfo(parse(daily.at).zone)
    return lambda ms: f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone):%H:%M}"


def _picture(daily: Daily, clock: _Clock) -> MarketPicture | None:
    """Return the day by hours and by coin; None where there is nothing to draw."""
    seen = daily.view
    if not seen.usd:
        return None
    busiest = seen.busiest
    share = "" if seen.long_share is None else f" · {numbers.percent(seen.long_share * 100, 0)} longs"
    feeds = ", ".join(venue(feed.venue, 12) for feed in seen.feeds[:_VENUES]) or "our own tape"
    return MarketPicture(
        title=f"{_least(seen.usd, seen)} liquidated",
        subtitle=f"{_date(daily)}{share} · {'≥ ' if seen.is_short else ''}{numbers.count(seen.storms, 'storm')}",
        sources=f"{feeds} · {seen.coverage_percent} % seen" + (" · sampled" if seen.sampled else ""),
        footer=f"1 h bars · {name(parse(daily.at).zone, 40)}",
        from_ms=seen.from_ms,
        to_ms=seen.to_ms,
        bucket_ms=seen.bucket_ms,
        bars=tuple((bucket.open_ms, bucket.short_usd, bucket.long_usd) for bucket in seen.buckets),
        up=f"shorts {_least(seen.short_usd, seen)}",
        down=f"longs {_least(seen.long_usd, seen)}",
        gaps=seen.gaps,
        gap="not recorded",
        ticks=tuple(_ticks(seen, clock)),
        shade_ms=busiest.open_ms if busiest else None,
        callout=f"most {clock(busiest.open_ms)} {_least(busiest.usd, seen)}" if busiest else "",
        heading="Most liquidated",
        rows=tuple(
            MarketRow(name(each.asset), _least(each.usd, seen), each.short_usd, each.long_usd)
            for each in seen.top
        ),
        simulated=daily.simulated,
    )


def _ticks(seen: MarketView, clock: _Clock) -> Iterator[tuple[int, str]]:
    for at in range(seen.from_ms, seen.to_ms + 1, _HALF_HOUR_MS):
        told = _end(at, seen, clock)
        hours, _, minutes = told.partition(":")
        if minutes == "00" and int(hours) % _TICK_HOURS == 0:
            yield at, told


def _least(cents: int, seen: MarketView) -> str:
    """Write an amount for the picture, where there is no room for the words."""
    return f"≥ {numbers.usd(cents, cut=True)}" if seen.at_least and cents else numbers.usd(cents)
