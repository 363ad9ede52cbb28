"""/whale: large taker trades, and positions on Hyperliquid."""

from __future__ import annotations

from collections.abc import Sequence

from bot.answers import WhalePosition, WhalePositions, WhaleTrade, WhaleTrades
from bot.replies import Whales
from bot.views.card import Button, Card, Part
from bot.views.figures import fits, price, share, signed_usd, table, usd
from bot.views.origin import Context, Named, footer, missing_line, refresh, sources
from bot.views.pieces import headline, others, tldr
from teleglas.language import Html
from teleglas.market import PositionSide, TakerSide

__all__ = ["whales"]

_TOP = 5
_LATEST = 5
_POSITIONS = 6
_ADDRESS_CHARS = 6
_EVEN = 0.55


def whales(reply: Whales, context: Context) -> Card:
    """Return the card of /whale."""
    say = context.words.say
    named: list[Named] = [
        (say("large trades"), reply.trades),
        (say("Hyperliquid positions"), reply.positions),
    ]
    parts = (
        Part(headline(_headline(reply, context))),
        Part(_sides(reply, context)),
        Part(_trades(reply, context, top=True), 1),
        Part(_trades(reply, context, top=False), 2),
        Part(_positions(reply, context), 1),
        Part(missing_line(named, context)),
        Part(_summary(reply, context)),
        Part(sources(named, context), 3),
        Part(footer(context)),
    )
    floor = "" if reply.min_usd is None else f" {reply.min_usd:.0f}"
    again = f"whale {reply.coin or '*'}{floor}"
    floors = tuple(
        Button(f"≥ {usd(amount)}", f"whale {reply.coin or '*'} {amount}")
        for amount in (100_000, 500_000, 1_000_000)
    )
    rest = others(reply.coin, ("raw", "liq")) if reply.coin else ()
    return Card(parts, (floors, (refresh(again, context), *rest)))


def _headline(reply: Whales, context: Context) -> str:
    say = context.words.say
    coin = reply.coin or say("Whales")
    found = reply.trades.value
    if found is not None and found.count:
        total = found.buy_usd + found.sell_usd
        side = say("buys") if found.buy_usd >= found.sell_usd else say("sells")
        part = share(max(found.buy_usd, found.sell_usd), min(found.buy_usd, found.sell_usd))
        return context.words.count(
            "{coin}: {n} large trade for {usd} in {age}, {share} {side}",
            "{coin}: {n} large trades for {usd} in {age}, {share} {side}",
            found.count, coin=coin, usd=usd(total), age=context.age((found.to_ms or context.now_ms) - found.from_ms), share=part, side=side,
        )  # fmt: skip
    held = reply.positions.value.positions if reply.positions.value else ()
    if held:
        first = held[0]
        return say("{coin}: the largest Hyperliquid position shown is {usd} {side}", coin=reply.coin or first.coin,
                   usd=usd(first.usd), side=_side(first.side, context))  # fmt: skip
    if found is not None:
        return _no_trade(reply, found, context)
    if reply.coin is None:
        return say("Large trades and positions are not known")
    return say("{coin}: large trades and positions are not known", coin=coin)


def _no_trade(reply: Whales, found: WhaleTrades, context: Context) -> str:
    say = context.words.say
    return say(
        "{coin}: no large trade in {age}",
        coin=reply.coin or say("Whales"),
        age=context.age((found.to_ms or context.now_ms) - found.from_ms),
    )


def _sides(reply: Whales, context: Context) -> str:
    found = reply.trades.value
    if found is None:
        return ""
    if not found.count:
        # The headline says it where there are no positions to tell of.
        return (
            _no_trade(reply, found, context)
            if reply.positions.value and reply.positions.value.positions
            else ""
        )
    return context.words.say("Buys {buys} against sells {sells}, orders of at least {least}", buys=usd(found.buy_usd),
                             sells=usd(found.sell_usd), least=usd(found.min_usd))  # fmt: skip


def _trades(reply: Whales, context: Context, *, top: bool) -> str:
    say = context.words.say
    found = reply.trades.value
    if found is None:
        return ""
    rows = found.top[:_TOP] if top else found.trades[:_LATEST]
    told_above = not top and set(rows) == set(found.top[:_TOP])
    if not rows or told_above:
        return ""
    title = say("Largest") if top else say("Latest")
    return title + "\n" + table(_whole(rows, reply, context))


def _whole(rows: Sequence[WhaleTrade], reply: Whales, context: Context) -> list[list[str]]:
    """Return the rows so that no name is cut: rather a price with a digit less, or none."""
    full = [_trade(row, reply, context) for row in rows]
    if fits(full):
        return full
    rounder = [[*cells[:-1], price(float(f"{row.price:.5g}"))] for row, cells in zip(rows, full, strict=True)]
    return rounder if fits(rounder) else [cells[:-1] for cells in full]


def _trade(row: WhaleTrade, reply: Whales, context: Context) -> list[str]:
    side = context.words.say("buy") if row.side is TakerSide.BUY else context.words.say("sell")
    name = f"{context.short_time(row.time_ms)} {row.coin if reply.coin is None else row.venue}"
    return [name, side, usd(row.usd), price(row.price)]


def _positions(reply: Whales, context: Context) -> str:
    say = context.words.say
    found = reply.positions.value
    if found is None:
        return ""
    whose = _whose(found, context)
    if not found.positions:
        return say("{whose}: none of at least {least}.", whose=whose, least=usd(found.min_usd))
    rows = [line for row in found.positions[:_POSITIONS] for line in _position(row, context)]
    return whose + "\n" + table(rows, ("", say("size"), say("entry")))


def _whose(found: WhalePositions, context: Context) -> Html:
    """Say of whom the positions are: the largest of all are known to nobody."""
    words = context.words
    if found.takers is None:
        return words.say("Hyperliquid positions opened or closed of late")
    return words.count(
        "Hyperliquid positions of the largest taker among the newest {coins} trades",
        "Hyperliquid positions of the {n} largest takers among the newest {coins} trades",
        found.takers, coins=", ".join(found.coins),
    )  # fmt: skip


def _position(row: WhalePosition, context: Context) -> list[list[str]]:
    """Return what, how much and at which entry; below it leverage and owner, unrealised profit, liquidation price."""
    say = context.words.say
    entry = "" if not row.entry_price else price(row.entry_price)
    first = [f"{row.coin} {_side(row.side, context)}", usd(row.usd), entry]
    if row.opened is not None:
        return [[*first, say("opened") if row.opened else say("closed")]]
    leverage = "" if row.leverage is None else f"{row.leverage:.0f}x "
    profit = "" if row.profit_usd is None else signed_usd(row.profit_usd)
    end = "" if not row.liquidation_price else say("liq {price}", price=price(row.liquidation_price))
    return [first, [leverage + row.address[:_ADDRESS_CHARS], profit, end]]


def _side(side: PositionSide, context: Context) -> str:
    return context.words.say("long") if side is PositionSide.LONG else context.words.say("short")


def _summary(reply: Whales, context: Context) -> str:
    say = context.words.say
    found = reply.trades.value
    flow = ""
    if found is not None and found.count:
        total = found.buy_usd + found.sell_usd
        larger = max(found.buy_usd, found.sell_usd)
        net = usd(abs(found.buy_usd - found.sell_usd))
        if total <= 0 or larger / total < _EVEN:
            flow = say("Large buyers and sellers are even.")
        elif found.buy_usd > found.sell_usd:
            flow = say("Large orders buy more than they sell, by {usd}.", usd=net)
        else:
            flow = say("Large orders sell more than they buy, by {usd}.", usd=net)
    return tldr(context, flow, _held(reply, context))


def _held(reply: Whales, context: Context) -> str:
    """Say how the positions shown are divided."""
    say = context.words.say
    rows = reply.positions.value.positions if reply.positions.value else ()
    longs = sum(row.usd for row in rows if row.side is PositionSide.LONG)
    shorts = sum(row.usd for row in rows if row.side is PositionSide.SHORT)
    if longs and shorts:
        return say("The Hyperliquid positions shown are {longs} long and {shorts} short.", longs=usd(longs),
                   shorts=usd(shorts))  # fmt: skip
    if longs:
        return say("All Hyperliquid positions shown are long: {usd}.", usd=usd(longs))
    return say("All Hyperliquid positions shown are short: {usd}.", usd=usd(shorts)) if shorts else ""
