"""What the command bot may ask any exchange."""

from __future__ import annotations

from abc import ABC, abstractmethod

from msgspec import Struct

from teleglas.market import Instrument
from teleglas.venues.quotes import (
    Book,
    Candle,
    Day,
    Flow,
    Funding,
    FundingPoint,
    Interest,
    InterestPoint,
    LongShort,
    NotPublishedError,
    Position,
    Trade,
)

__all__ = ["Holder", "Takers", "Venue", "main_contracts"]

_QUOTES = ("USDT", "USDC", "PERP", "USD")


class Holder(Struct, frozen=True):
    """An account and all that it holds, largest first."""

    address: str
    positions: tuple[Position, ...]


class Takers(Struct, frozen=True):
    """The accounts that took most of a contract's newest trades. silent: how many of them were not told."""

    holders: tuple[Holder, ...]
    silent: int = 0


class Venue(ABC):
    """One exchange. Lists are oldest first; the last candle may be open.

    What an exchange keeps to itself it leaves as it stands here: NotPublishedError. Besides that and
    the errors of its REST client, every question raises msgspec.MsgspecError or ValueError for an
    answer of unknown shape, and NoFiguresError for one without figures.
    """

    name: str

    @abstractmethod
    async def contracts(self) -> dict[str, Instrument]:
        """Return every perpetual that trades now, by the exchange's symbol."""

    @abstractmethod
    async def day(self, contract: Instrument) -> Day:
        """Return the last 24 h."""

    async def spot_usd(self, asset: str) -> float:
        """Return the spot volume of 24 h; FeedRefused if there is no such pair."""
        raise NotPublishedError(f"spot volume of {asset}")

    @abstractmethod
    async def candles(self, contract: Instrument, interval: str, limit: int) -> list[Candle]:
        """Return the newest candles. interval: of `quotes.MINUTES`."""

    async def flows(self, contract: Instrument, interval: str, limit: int) -> list[Flow]:
        """Return what takers did. interval: `5m` or `1h`; the last period may be under way."""
        raise NotPublishedError(f"{interval} taker flow of {contract.symbol} ({limit} rows)")

    @abstractmethod
    async def interest(self, contract: Instrument) -> Interest:
        """Return the open interest now."""

    async def interest_history(self, contract: Instrument, interval: str, limit: int) -> list[InterestPoint]:
        """Return the open interest at the newest ends of periods. interval: of `quotes.MINUTES` but `1m`."""
        raise NotPublishedError(f"{interval} open interest of {contract.symbol} ({limit} rows)")

    @abstractmethod
    async def funding(self, contract: Instrument) -> Funding:
        """Return the current rate."""

    @abstractmethod
    async def funding_history(self, contract: Instrument) -> list[FundingPoint]:
        """Return settled rates of a week or more, as far as one answer goes."""

    async def ratios(self, contract: Instrument) -> LongShort:
        """Return longs against shorts; None for the kinds that are not published."""
        raise NotPublishedError(f"long/short ratios of {contract.symbol}")

    @abstractmethod
    async def book(self, contract: Instrument) -> Book:
        """Return the order book."""

    @abstractmethod
    async def trades(self, contract: Instrument) -> list[Trade]:
        """Return the newest rows of the tape."""

    async def takers(self, contract: Instrument) -> Takers:
        """Return what those hold who took most of the newest trades."""
        raise NotPublishedError(f"takers of {contract.symbol}")


def main_contracts(contracts: dict[str, Instrument]) -> dict[str, Instrument]:
    """Return asset -> the contract that stands for it: linear before inverse, USDT before others."""
    chosen: dict[str, Instrument] = {}
    for contract in contracts.values():
        held = chosen.get(contract.asset)
        if held is None or _preference(contract) < _preference(held):
            chosen[contract.asset] = contract
    return chosen


def _preference(contract: Instrument) -> tuple[bool, int, int, str]:
    symbol = contract.symbol.removesuffix("-SWAP")
    quote = next((rank for rank, name in enumerate(_QUOTES) if symbol.endswith(name)), len(_QUOTES))
    # Of two contracts on one coin the plain one is the better known: `CAT` before `1000CAT`.
    return contract.inverse, quote, contract.scale, contract.symbol
