"""/market: the whole market of an hour or a day, from our own tape and our own decisions."""

from __future__ import annotations

from bot.replies import MarketViewReply
from bot.views import pictures
from bot.views.card import Button, Card, Part
from bot.views.figures import percent, price, ratio, share, table
from bot.views.log import kind_name
from bot.views.origin import Context, footer, missing_line, refresh
from bot.views.pieces import headline, length, side_word, tldr, window_buttons
from teleglas import numbers
from teleglas.language import Html
from teleglas.market import PositionSide
from teleglas.market_view import FeedPart, Found, MarketView, VenuePart
from teleglas.telegram.text import escape
from teleglas.venue_names import venue_name

__all__ = ["WINDOWS", "market_view"]

WINDOWS = ("1h", "24h")

_VENUES = 6
_KINDS = 6
_GAPS = 3
_STORMS = 6
_EVEN = 0.6


def market_view(reply: MarketViewReply, context: Context) -> Card:
    """Return the card of /market."""
    say = context.words.say
    seen = reply.view.value
    again = (window_buttons("market", WINDOWS, reply.window), (refresh(f"market {reply.window}", context),))
    if seen is None:
        said = missing_line([(say("the market in {window}", window=reply.window), reply.view)], context)
        return Card((Part(headline(said)), Part(_now(reply, context)), Part(footer(context))), again)
    parts = (
        Part(headline(_headline(seen, reply, context))),
        Part(_venues(seen, context), 1),
        Part(_sides(seen, context)),
        Part(_now(reply, context)),
        Part(_storms(seen, reply, context)),
        Part(_kinds(seen, context), 2),
        Part(_largest(seen, context), 1),
        Part(_top(seen, context), 2),
        Part(_busiest(seen, context), 2),
        Part(_unseen(seen, reply, context)),
        Part(tldr(context, _verdict(seen, reply, context))),
        Part(footer(context, reply.view)),
    )
    coins = tuple(Button(part.asset, f"+liq {part.asset}") for part in seen.top[:4])
    details = Button(say("Details"), f"+market {reply.window} text")
    return Card(
        parts, (again[0], coins, again[1]), pictures.market(reply, context), details, f"market {reply.window}"
    )


def _amount(cents: int, seen: MarketView, context: Context) -> Html:
    """Write a sum; what was only partly seen is a lower bound, so it is cut, not rounded."""
    if seen.at_least:
        return context.words.say("at least {usd}", usd=numbers.usd(cents, cut=True))
    return Html(numbers.usd(cents))


def _headline(seen: MarketView, reply: MarketViewReply, context: Context) -> str:
    say = context.words.say
    window = length(seen, reply.window)
    if seen.is_blind:
        return say("The market in {window}: nothing was seen", window=window)
    if not seen.usd:
        return say("The market in {window}: no liquidation was recorded", window=window)
    storms = Html(f"{seen.storm_assets}/{seen.assets}")
    return say(
        "The market in {window}: {usd} liquidated, {share} of it longs; storms in {storms} coins",
        window=window, usd=_amount(seen.usd, seen, context), share=share(seen.long_usd, seen.short_usd), storms=storms,
    )  # fmt: skip


def _venues(seen: MarketView, context: Context) -> str:
    """Return sums by exchange, with the share of the time in which its own feed was complete."""
    if not seen.venues and not seen.feeds:
        return ""
    say = context.words.say
    feeds = {feed.venue: feed for feed in seen.feeds}
    sums = {part.venue: part for part in seen.venues}
    names = [*sums, *(venue for venue in feeds if venue not in sums)]
    rows = [_venue_row(venue, sums.get(venue), feeds.get(venue), seen) for venue in names[:_VENUES]]
    title = say("By exchange, at least") if seen.at_least else say("By exchange")
    return title + "\n" + table(rows, ["", say("longs"), say("shorts"), "L%", say("seen")])


def _venue_row(venue: str, part: VenuePart | None, feed: FeedPart | None, seen: MarketView) -> list[str]:
    if part is None and (feed is None or feed.live_ms == 0):
        return [venue_name(venue), "–", "–", "–", _seen(feed, seen)]  # not seen, so not zero
    longs, shorts = (part.long_usd, part.short_usd) if part else (0, 0)
    sides = [numbers.usd(cents, cut=seen.at_least) for cents in (longs, shorts)]
    return [venue_name(venue), *sides, share(longs, shorts), _seen(feed, seen)]


def _seen(feed: FeedPart | None, seen: MarketView) -> str:
    if feed is None or seen.span_ms <= 0:
        return "–"
    return f"{min(100, feed.live_ms * 100 // seen.span_ms)}%"


def _sides(seen: MarketView, context: Context) -> str:
    if not seen.usd:
        return ""
    facts = {
        "longs": _amount(seen.long_usd, seen, context), "shorts": _amount(seen.short_usd, seen, context),
        "share": share(seen.long_usd, seen.short_usd), "ratio": ratio(seen.long_usd, seen.short_usd),
    }  # fmt: skip
    return context.words.say("Longs {longs} ({share}), shorts {shorts}; longs/shorts {ratio}", **facts)


def _now(reply: MarketViewReply, context: Context) -> str:
    """Say which coins are in storm at this moment."""
    say = context.words.say
    going_on = reply.storms.value
    if going_on is None:
        return missing_line([(say("storms now"), reply.storms)], context)
    passed = context.age(max(0, context.now_ms - reply.storms.as_of_ms))
    if not going_on:
        return say("In storm now: no coin (told {age} ago)", age=passed)
    shown = [Html(f"{escape(asset)} {side_word(_side(side), context)}") for asset, side in going_on[:_STORMS]]
    told = Html(", ".join(shown) + (" …" if len(going_on) > _STORMS else ""))
    seen = reply.view.value
    if seen is None:
        return say("In storm now: {coins} (told {age} ago)", coins=told, age=passed)
    coins = len({asset for asset, _ in going_on})
    part = _percent(coins, max(seen.assets, coins))
    return say(
        "In storm now: {coins}; {share} of the coins (told {age} ago)", coins=told, share=part, age=passed
    )


def _storms(seen: MarketView, reply: MarketViewReply, context: Context) -> str:
    """Say which share of the coins had a storm, how many there were, and the largest."""
    if seen.is_blind or not seen.assets:
        return ""
    words = context.words
    counted = words.count("{n} storm", "{n} storms", seen.storms)
    if seen.is_short:
        counted = words.say("at least {count}", count=counted)
    lines: list[str] = [
        words.say(
            "In {window}: {count}, in {storms} of {coins} coins with liquidations ({share})",
            window=length(seen, reply.window), count=counted, storms=seen.storm_assets, coins=seen.assets,
            share=_percent(seen.storm_assets, seen.assets),
        )
    ]  # fmt: skip
    if seen.storm is not None:
        lines.append(_largest_storm(seen.storm, seen, context))
    return "\n".join(lines)


def _largest_storm(storm: Found, seen: MarketView, context: Context) -> str:
    usd = Html(numbers.usd(storm.usd))
    if seen.at_least or not storm.ended:
        usd = context.words.say("at least {usd}", usd=numbers.usd(storm.usd, cut=True))
    return context.words.say(
        "Largest storm: {coin} {side} {usd}, {time}", coin=storm.asset, side=side_word(_side(storm.direction), context),
        usd=usd, time=context.short_time(storm.episode_ms),
    )  # fmt: skip


def _kinds(seen: MarketView, context: Context) -> str:
    others = [(kind, n) for kind, n in seen.kinds if kind != "liquidation_storm"]
    if not others:
        return ""
    told = " · ".join(f"{kind_name(kind, context)} {n:,}" for kind, n in others[:_KINDS])
    return context.words.say("Also found: {kinds}", kinds=Html(told))


def _largest(seen: MarketView, context: Context) -> str:
    single = seen.largest
    if single is None:
        return ""
    say = context.words.say
    facts = {
        "usd": numbers.usd(single.usd), "coin": single.asset, "side": side_word(_side(single.side), context),
        "venue": venue_name(single.venue), "time": context.short_time(single.event_ms),
    }  # fmt: skip
    if single.price > 0:
        at = price(single.price)
        return say("Largest: {usd} {coin} {side} on {venue} at ${price}, {time}", price=at, **facts)
    return say("Largest: {usd} {coin} {side} on {venue}, {time}", **facts)


def _top(seen: MarketView, context: Context) -> str:
    if not seen.top:
        return ""
    told = Html(
        " · ".join(f"{escape(part.asset)} {numbers.usd(part.usd, cut=seen.at_least)}" for part in seen.top)
    )
    say = context.words.say
    return say("Most, at least: {coins}", coins=told) if seen.at_least else say("Most: {coins}", coins=told)


def _busiest(seen: MarketView, context: Context) -> str:
    bucket = seen.busiest
    if bucket is None:
        return ""
    end_ms = min(seen.to_ms, bucket.open_ms + seen.bucket_ms)
    return context.words.say(
        "Busiest: {from_time} to {to_time}, {usd}", from_time=context.short_time(bucket.open_ms),
        to_time=context.short_time(end_ms), usd=_amount(bucket.usd, seen, context),
    )  # fmt: skip


def _unseen(seen: MarketView, reply: MarketViewReply, context: Context) -> str:
    """Say what was not recorded at all, and how much of the rest was seen where that is little."""
    say = context.words.say
    lines: list[str] = []
    if seen.gaps:
        ranked = sorted(seen.gaps, key=lambda gap: (gap[0] - gap[1], gap[0]))[:_GAPS]
        told = ", ".join(
            f"{context.short_time(start)}–{context.short_time(end)}" for start, end in sorted(ranked)
        )
        more = " …" if len(seen.gaps) > _GAPS else ""
        lines.append(say("Not recorded: {times}", times=told + more))
    if seen.is_short:
        lines.append(
            say(
                "Seen of {window}: {share}",
                window=length(seen, reply.window),
                share=f"{seen.coverage_percent}%",
            )
        )
    return "\n".join(lines)


def _verdict(seen: MarketView, reply: MarketViewReply, context: Context) -> str:
    say = context.words.say
    if seen.is_blind:
        return say(
            "No feed was complete in {window}, so nothing can be said of it.",
            window=length(seen, reply.window),
        )
    if not seen.usd:
        return say("Nothing was liquidated in {window}.", window=length(seen, reply.window))
    larger = max(seen.long_usd, seen.short_usd)
    facts = {
        "share": share(larger, seen.usd - larger),
        "total": _amount(seen.usd, seen, context),
        "window": length(seen, reply.window),
    }
    if larger < _EVEN * seen.usd:
        return say("Both sides were hit alike in {window}: {total} together.", **facts)
    if seen.long_usd > seen.short_usd:
        return say("Longs were hit in {window}: {share} of {total}.", **facts)
    return say("Shorts were hit in {window}: {share} of {total}.", **facts)


def _side(text: str) -> PositionSide | None:
    return PositionSide(text) if text in {side.value for side in PositionSide} else None


def _percent(part: int, whole: int) -> str:
    return percent(part / whole * 100, 1).lstrip("+") if whole else "–"
