"""The commands about a coin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.commands.arguments import amount_and_names, name_in, window_in
from bot.commands.desk import Ask
from bot.queries import BOOK_VENUES
from bot.symbols import Found
from bot.views import depth as depth_view
from bot.views import heat as heat_view
from bot.views import interest, liquidations, market_view, mood, overview, talk, whales
from bot.views.card import Card
from bot.views.pieces import WINDOWS

__all__ = ["funding", "heat", "liq", "market", "oi", "orderbook", "raw", "rsi", "sentiment", "whale"]

_EVERY = "*"
_DEFAULT_COIN = "BTC"
_FRAMES = ("4h", "24h", "7d")


async def raw(ask: Ask) -> Card:
    """Everything about a coin; with `chart` its picture."""

    async def show(coin: str) -> Card:
        reply = await ask.desk.queries.overview(coin, ask.end)
        if ask.argument(1) == "chart":
            return overview.overview_picture(reply, ask.context)
        return overview.overview(reply, ask.context)

    return await _of_coin(ask, show)


async def liq(ask: Ask) -> Card:
    """Liquidations of a coin, or of the market without one."""
    window, name = window_in(ask.arguments, WINDOWS), name_in(ask.arguments)
    if name in {"", _EVERY}:
        return liquidations.market(await ask.desk.queries.market(window, ask.end), ask.context)

    async def show(coin: str) -> Card:
        return liquidations.liquidations(
            await ask.desk.queries.liquidations(coin, window, ask.end), ask.context
        )

    return await _of_coin(ask, show, name)


async def market(ask: Ask) -> Card:
    """Show the whole market: totals, imbalance, share of coins in storm."""
    window = window_in(ask.arguments, market_view.WINDOWS)
    return market_view.market_view(await ask.desk.queries.market_view(window, ask.end), ask.context)


async def whale(ask: Ask) -> Card:
    """Large trades and positions, of a coin or of all; a number is the least amount."""
    least, words = amount_and_names(ask.arguments)
    name = name_in([word for word in words if word != _EVERY])
    if not name:
        return whales.whales(await ask.desk.queries.whales(None, least, ask.end), ask.context)

    async def show(coin: str) -> Card:
        return whales.whales(await ask.desk.queries.whales(coin, least, ask.end), ask.context)

    return await _of_coin(ask, show, name)


async def sentiment(ask: Ask) -> Card:
    """Show the mood of the market, and of a coin (default BTC)."""

    async def show(coin: str) -> Card:
        return mood.sentiment(await ask.desk.queries.sentiment(coin, ask.end), ask.context)

    return await _of_coin(ask, show, name_in(ask.arguments) or _DEFAULT_COIN)


async def orderbook(ask: Ask) -> Card:
    """Show an order book; the exchange is optional."""
    wanted = ask.argument(1)
    venue = next((name for name in BOOK_VENUES if name.casefold() == wanted.casefold()), None)

    async def show(coin: str) -> Card:
        if wanted and venue is None:
            return talk.unknown_venue(wanted, coin, BOOK_VENUES, ask.context)
        return depth_view.depth(await ask.desk.queries.depth(coin, venue, ask.end), ask.context)

    return await _of_coin(ask, show)


async def oi(ask: Ask) -> Card:
    """Open interest by exchange and over time."""
    window = window_in(ask.arguments, _FRAMES)

    async def show(coin: str) -> Card:
        return interest.open_interest(
            await ask.desk.queries.open_interest(coin, window, ask.end), ask.context
        )

    return await _of_coin(ask, show, name_in(ask.arguments) or _DEFAULT_COIN)


async def funding(ask: Ask) -> Card:
    """Funding by exchange and over a week."""

    async def show(coin: str) -> Card:
        return interest.funding_card(await ask.desk.queries.funding(coin, ask.end), ask.context)

    return await _of_coin(ask, show, name_in(ask.arguments) or _DEFAULT_COIN)


async def rsi(ask: Ask) -> Card:
    """Relative strength by length of a candle."""

    async def show(coin: str) -> Card:
        return mood.rsi(await ask.desk.queries.rsi(coin, ask.end), ask.context)

    return await _of_coin(ask, show, name_in(ask.arguments) or _DEFAULT_COIN)


async def heat(ask: Ask) -> Card:
    """Show the heat map of liquidations."""
    window = window_in(ask.arguments, WINDOWS)

    async def show(coin: str) -> Card:
        return heat_view.heat(await ask.desk.queries.heat(coin, window, ask.end), ask.context)

    return await _of_coin(ask, show, name_in(ask.arguments) or _DEFAULT_COIN)


async def _of_coin(ask: Ask, show: Callable[[str], Awaitable[Card]], name: str | None = None) -> Card:
    """Show what is asked of the coin that is meant, or what could have been meant."""
    text = name_in(ask.arguments) if name is None else name
    if not text:
        listed = await ask.desk.coins.known()
        return talk.ask_coin(ask.call.name, tuple(listed)[:6] or (_DEFAULT_COIN, "ETH"), ask.context)
    found = await ask.desk.resolve(text)
    if isinstance(found, Found):
        return await show(found.asset)
    rest = "".join(f" {word}" for word in ask.arguments if word != text)
    return talk.unknown_coin(found.text, ask.call.name, found.near, ask.context, rest)
