"""Large trades and large positions, sorted and summed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.answers import WhalePosition, WhalePositions, WhaleTrade, WhaleTrades
from bot.sources.venue import Takers
from teleglas.market import TakerSide

__all__ = ["positions", "trades"]

_LATEST, _TOP = 5, 10


def trades(found: Sequence[WhaleTrade], min_usd: float, from_ms: int) -> WhaleTrades:
    """Return trades (newest first) with the largest of them and the sums of both sides."""
    top = sorted(found, key=lambda row: -row.usd)[:_TOP]
    buy = sum(row.usd for row in found if row.side is TakerSide.BUY)
    sell = sum(row.usd for row in found if row.side is TakerSide.SELL)
    return WhaleTrades(tuple(found[:_LATEST]), tuple(top), buy, sell, len(found), min_usd, from_ms)


def positions(
    told: Iterable[Takers], coin: str | None, coins: tuple[str, ...], min_usd: float
) -> WhalePositions:
    """Return what takers hold of a coin, or of any, largest first. coins: whose trades they took."""
    holders = {holder.address: holder for takers in told for holder in takers.holders}
    found = [
        WhalePosition(
            row.asset, row.side, row.usd, row.entry_price, row.time_ms, None, address, row.liquidation_price,
            row.profit_usd, row.leverage,
        )
        for address, holder in holders.items()
        for row in holder.positions
        if row.usd >= min_usd and coin in {None, row.asset}
    ]  # fmt: skip
    found.sort(key=lambda row: -row.usd)
    return WhalePositions(tuple(found), len(holders), coins, min_usd)
