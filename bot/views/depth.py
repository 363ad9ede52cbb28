"""/orderbook: what rests near the price, where it is piled up, and what may be a bluff."""

from __future__ import annotations

from collections.abc import Sequence

from bot.answers import Book, LargeOrder, Level
from bot.replies import Depth
from bot.views.card import Button, Card, Part
from bot.views.figures import percent, price, share, table, usd
from bot.views.origin import Context, footer, missing_line, refresh
from bot.views.pieces import headline, others, tldr
from teleglas.market import TakerSide

__all__ = ["depth"]

_EVEN = 0.55
_WALLS = 3


def depth(reply: Depth, context: Context) -> Card:
    """Return the card of /orderbook."""
    say = context.words.say
    book = reply.book.value
    if book is None:
        parts: tuple[Part, ...] = (
            Part(headline(say("{coin}: the order book is not known", coin=reply.coin))),
            Part(missing_line([(reply.venue, reply.book)], context)),
            Part(footer(context)),
        )
    else:
        parts = (
            Part(headline(_headline(reply, book, context))),
            Part(_near(book, context)),
            Part(_walls(book, context)),
            Part(_suspects(book, context)),
            Part(_orders(reply, book, context), 1),
            Part(missing_line([(say("large limit orders"), reply.orders)], context), 1),
            Part(tldr(context, _judgement(book, context), _nearest(book, context))),
            Part(footer(context, reply.book, reply.orders)),
        )
    venues = tuple(
        Button(f"· {venue} ·" if venue == reply.venue else venue, f"orderbook {reply.coin} {venue}")
        for venue in reply.venues
    )
    again = refresh(f"orderbook {reply.coin} {reply.venue}", context)
    return Card(parts, (venues, (again, *others(reply.coin, ("raw", "whale")))))


def _headline(reply: Depth, book: Book, context: Context) -> str:
    larger = max(book.bid_1_usd, book.ask_1_usd)
    side = context.words.say("bids") if book.bid_1_usd >= book.ask_1_usd else context.words.say("asks")
    return context.words.say(
        "{coin} on {venue}: {bid} / {ask}, {share} of the depth is {side}",
        coin=reply.coin, venue=book.venue, bid=price(book.bid), ask=price(book.ask),
        share=share(larger, book.bid_1_usd + book.ask_1_usd - larger), side=side,
    )  # fmt: skip


def _middle(book: Book) -> float:
    return (book.bid + book.ask) / 2


def _near(book: Book, context: Context) -> str:
    say = context.words.say
    reach = min(1.0, book.reach_percent)
    spread = (book.ask - book.bid) / _middle(book) * 100 if _middle(book) > 0 else 0.0
    rows = [
        [say("bids"), usd(book.bid_1_usd), share(book.bid_1_usd, book.ask_1_usd)],
        [say("asks"), usd(book.ask_1_usd), share(book.ask_1_usd, book.bid_1_usd)],
        [say("spread"), f"{spread:.4f}%", ""],
    ]
    title = say("Within {reach} of the middle", reach=f"{reach:.2g}%")
    short = "\n" + say("The exchange lists no more of its book.") if book.reach_percent < 1 else ""
    return f"{title}\n{table(rows)}{short}"


def _walls(book: Book, context: Context) -> str:
    say = context.words.say
    rows = [_wall(level, book, say("ask")) for level in reversed(book.ask_walls[:_WALLS])]
    rows += [_wall(level, book, say("bid")) for level in book.bid_walls[:_WALLS]]
    return say("Walls") + "\n" + table(rows) if rows else ""


def _wall(level: Level, book: Book, side: str) -> list[str]:
    away = (level.price / _middle(book) - 1) * 100 if _middle(book) > 0 else 0.0
    return [side, price(level.price), usd(level.usd), percent(away)]


def _orders(reply: Depth, book: Book, context: Context) -> str:
    """Return the largest orders of each side; what stands on the wrong side of the price is not believed."""
    say = context.words.say
    found = reply.orders.value
    if found is None:
        return ""
    sides = [
        [order for order in found if order.side is side and (order.price > _middle(book)) is above]
        for side, above in ((TakerSide.SELL, True), (TakerSide.BUY, False))
    ]
    rows = [_order(order, book, context) for side in sides for order in _largest(side)]
    title = say("Large limit orders on {venue}", venue=", ".join(reply.orders.venues))
    return f"{title}\n{table(rows)}" if rows else say("{what}: none", what=title)


def _largest(orders: Sequence[LargeOrder]) -> list[LargeOrder]:
    largest = sorted(orders, key=lambda order: -order.usd)[:_WALLS]
    return sorted(largest, key=lambda order: -order.price)


def _order(order: LargeOrder, book: Book, context: Context) -> list[str]:
    side = context.words.say("ask") if order.side is TakerSide.SELL else context.words.say("bid")
    return _wall(Level(order.price, order.usd), book, side)


def _suspects(book: Book, context: Context) -> str:
    if not book.suspects:
        return ""
    told = ", ".join(f"{usd(level.usd)} @ {price(level.price)}" for level in book.suspects[:_WALLS])
    return context.words.say("Walls that vanished without a trade, perhaps spoofs: {told}", told=told)


def _judgement(book: Book, context: Context) -> str:
    say = context.words.say
    total = book.bid_1_usd + book.ask_1_usd
    if total <= 0:
        return say("Nothing rests near the price.")
    if max(book.bid_1_usd, book.ask_1_usd) / total < _EVEN:
        return say("Bids and asks are even.")
    if book.bid_1_usd > book.ask_1_usd:
        return say("More waits to buy than to sell.")
    return say("More waits to sell than to buy.")


def _nearest(book: Book, context: Context) -> str:
    walls = [*book.bid_walls[:_WALLS], *book.ask_walls[:_WALLS]]
    if not walls:
        return ""
    largest = max(walls, key=lambda level: level.usd)
    return context.words.say(
        "The largest wall is {usd} at {price}.", usd=usd(largest.usd), price=price(largest.price)
    )
