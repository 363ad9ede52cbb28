"""The commands about a coin."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

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
_AMOUNT = re.compile(r"\$?(?P<grouped>[1-9]\d{0,2}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*)|"
                     r"\$?(?P<plain>\d{1,12}(?:[.,]\d{1,3})?)(?P<times>[kKmMbB]?)")  # fmt: skip
"""`1,000,000` and `100.000` are thousands in groups, as no dollar has thousandths; `1.5m` is a fraction."""
_TIMES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


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
    window, name = _window(ask, WINDOWS), _name(ask, WINDOWS)
    if name in {"", _EVERY}:
        return liquidations.market(await ask.desk.queries.market(window, ask.end), ask.context)

    async def show(coin: str) -> Card:
        return liquidations.liquidations(
            await ask.desk.queries.liquidations(coin, window, ask.end), ask.context
        )

    return await _of_coin(ask, show, name)


async def market(ask: Ask) -> Card:
    """Show the whole market: totals, imbalance, share of coins in storm."""
    window = _window(ask, market_view.WINDOWS)
    return market_view.market_view(await ask.desk.queries.market_view(window, ask.end), ask.context)


async def whale(ask: Ask) -> Card:
    """Large trades and positions, of a coin or of all; a number is the least amount."""
    amounts = [amount for amount in map(_amount, ask.arguments) if amount is not None]
    names = [word for word in ask.arguments if _amount(word) is None and word != _EVERY]
    least = amounts[0] if amounts else None
    if not names:
        return whales.whales(await ask.desk.queries.whales(None, least, ask.end), ask.context)

    async def show(coin: str) -> Card:
        return whales.whales(await ask.desk.queries.whales(coin, least, ask.end), ask.context)

    return await _of_coin(ask, show, names[0])


async def sentiment(ask: Ask) -> Card:
    """Show the mood of the market, and of a coin (default BTC)."""

    async def show(coin: str) -> Card:
        return mood.sentiment(await ask.desk.queries.sentiment(coin, ask.end), ask.context)

    return await _of_coin(ask, show, ask.argument(0) or _DEFAULT_COIN)


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
    window = _window(ask, _FRAMES)

    async def show(coin: str) -> Card:
        return interest.open_interest(
            await ask.desk.queries.open_interest(coin, window, ask.end), ask.context
        )

    return await _of_coin(ask, show, _name(ask, _FRAMES) or _DEFAULT_COIN)


async def funding(ask: Ask) -> Card:
    """Funding by exchange and over a week."""

    async def show(coin: str) -> Card:
        return interest.funding_card(await ask.desk.queries.funding(coin, ask.end), ask.context)

    return await _of_coin(ask, show, ask.argument(0) or _DEFAULT_COIN)


async def rsi(ask: Ask) -> Card:
    """Relative strength by length of a candle."""

    async def show(coin: str) -> Card:
        return mood.rsi(await ask.desk.queries.rsi(coin, ask.end), ask.context)

    return await _of_coin(ask, show, ask.argument(0) or _DEFAULT_COIN)


async def heat(ask: Ask) -> Card:
    """Show the heat map of liquidations."""
    window = _window(ask, WINDOWS)

    async def show(coin: str) -> Card:
        return heat_view.heat(await ask.desk.queries.heat(coin, window, ask.end), ask.context)

    return await _of_coin(ask, show, _name(ask, WINDOWS) or _DEFAULT_COIN)


async def _of_coin(ask: Ask, show: Callable[[str], Awaitable[Card]], name: str | None = None) -> Card:
    """Show what is asked of the coin that is meant, or what could have been meant."""
    text = ask.argument(0) if name is None else name
    if not text:
        listed = await ask.desk.coins.known()
        return talk.ask_coin(ask.call.name, tuple(listed)[:6] or (_DEFAULT_COIN, "ETH"), ask.context)
    found = await ask.desk.resolve(text)
    if isinstance(found, Found):
        return await show(found.asset)
    rest = "".join(f" {word}" for word in ask.arguments if word != text)
    return talk.unknown_coin(found.text, ask.call.name, found.near, ask.context, rest)


def _window(ask: Ask, allowed: tuple[str, ...]) -> str:
    asked = [word.lower() for word in ask.arguments if word.lower() in allowed]
    return asked[0] if asked else "24h"


def _name(ask: Ask, frames: tuple[str, ...]) -> str:
    """Return the first word that is no length of time: `/liq 4h btc` asks for what `/liq btc 4h` does."""
    return next((word for word in ask.arguments if word.lower() not in frames), "")


def _amount(word: str) -> float | None:
    found = _AMOUNT.fullmatch(word)
    if found is None:
        return None
    if found["grouped"]:
        return float(found["grouped"].replace(found["mark"], ""))
    return float(found["plain"].replace(",", ".")) * _TIMES[found["times"].lower()]
