"""Liquidations by REST: OKX gives every order, CoinGlass orders or sums as the plan allows.

Binance and Bybit publish none: their families are declared missing by `failover.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import msgspec

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.coinglass.calibration import Calibration, calibrate, is_truncated
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.okx import rest as okx
from ws_alert.messages import Frame, RecordKind
from ws_alert.sources.failover import OVERLAP_MS
from ws_alert.sources.poller import REFUSED_FOR_S, Cycle, Put

__all__ = ["CoinglassPolls", "OkxLiquidationPolls"]

_log = logging.getLogger(__name__)

_OKX_CYCLE_S = 5.0
_ACTIVE = 30
_OTHERS_EACH_CYCLE = 35  # with the active ones 65 requests in 5 s, within 14 a second
_MOST_PAGES = 5
_OVERLAP_MS = 2_000

_HOUR_MS = 3_600_000
_EXCHANGES = ("Binance", "OKX", "Bybit")
_CALIBRATE_COINS = ("BTC", "ETH")
_CALIBRATE_HOURS = 3
_CALIBRATE_AGAIN_S = 600.0
_MIN_USD = (1, 1_000, 10_000, 100_000)
_LIST_EVERY_S = 10.0
_ORDERS_EVERY_S = 1.0


class OkxLiquidationPolls:
    """Every family in turn; the most active each 5 s, all others within a minute."""

    def __init__(
        self,
        rest: okx.OkxRest,
        families: Callable[[], Sequence[str]],
        put: Put,
        wall_ms: Callable[[], int],
    ) -> None:
        self._rest = rest
        self._families = families
        self._put = put
        self._wall_ms = wall_ms
        self._gap_ms = 0
        self._asked: dict[str, int] = {}
        self._last: dict[str, bytes] = {}
        self._unknown: set[str] = set()

    def begin(self, gap_ms: int) -> None:
        """Ask every family for what is newer than the gap."""
        self._gap_ms = gap_ms - _OVERLAP_MS
        self._asked.clear()
        self._last.clear()
        self._unknown.clear()

    async def cycle(self) -> Cycle:
        """Ask the active families, and the others that waited longest."""
        families = [family for family in self._families() if family not in self._unknown]
        others = sorted(families[_ACTIVE:], key=lambda family: self._asked.get(family, 0))
        for family in [*families[:_ACTIVE], *others[:_OTHERS_EACH_CYCLE]]:
            asked_ms = self._wall_ms()
            await self._family(family)
            self._asked[family] = asked_ms
        covered = min((self._asked.get(family, 0) for family in families), default=self._wall_ms())
        return Cycle(covered, pause_s=_OKX_CYCLE_S)

    async def _family(self, family: str) -> None:
        since_ms = max(self._asked.get(family, self._gap_ms) - _OVERLAP_MS, self._wall_ms() - OVERLAP_MS)
        older_than: int | None = None
        for _ in range(_MOST_PAGES):
            try:
                body = await self._rest.liquidation_orders(family, older_than_ms=older_than)
            except FeedRefused as error:
                if error.reason != "bad_request":
                    raise
                self._unknown.add(family)
                return
            times = [ref.event_ms for ref in _refs(body)]
            if times and max(times) >= since_ms and body != self._last.get(family):
                await self._put(Frame(RecordKind.BODY, f"okx:liquidation-orders:{family}", body))
            if older_than is None:
                self._last[family] = body
            if len(times) < okx.LIQUIDATION_ROWS or min(times) < since_ms:
                return
            older_than = min(times)


class CoinglassPolls:
    """Orders where the plan allows them and their side is calibrated, else the sums of the last hour.

    coins: the most traded first. Both are bounded by the key's requests per minute, so the
    family is never complete by REST.
    """

    def __init__(
        self,
        rest: CoinglassRest,
        coins: Callable[[], Sequence[str]],
        put: Put,
        wall_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._rest = rest
        self._coins = coins
        self._put = put
        self._wall_ms = wall_ms
        self._monotonic_s = monotonic_s
        self._gap_ms = 0
        self._asked: dict[tuple[str, str], int] = {}
        self._sides: Calibration | None = None
        self._no_orders_until_s = float("-inf")

    def begin(self, gap_ms: int) -> None:
        """Ask every pair for what is newer than the gap."""
        self._gap_ms = gap_ms
        self._asked.clear()

    async def cycle(self) -> Cycle:
        """Ask the pair that waited longest, or the sums of the most traded coins."""
        if self._monotonic_s() >= self._no_orders_until_s:
            try:
                if self._sides is not None or await self._calibrated():
                    return await self._orders()
                self._no_orders_until_s = self._monotonic_s() + _CALIBRATE_AGAIN_S
            except FeedRefused as error:
                if error.reason != "plan":
                    raise
                self._no_orders_until_s = self._monotonic_s() + REFUSED_FOR_S
        return await self._sums()

    async def _calibrated(self) -> bool:
        hour = self._wall_ms() // _HOUR_MS * _HOUR_MS
        for start_ms in range(hour - _HOUR_MS, hour - (_CALIBRATE_HOURS + 1) * _HOUR_MS, -_HOUR_MS):
            for coin in _CALIBRATE_COINS:
                pair = f"{coin}USDT"
                orders = await self._one_hour(coin, start_ms)
                bars = await self._rest.liquidation_history(
                    "Binance", pair, start_ms=start_ms, end_ms=start_ms + _HOUR_MS
                )
                self._sides = calibrate(orders, bars, pair)
                if self._sides is not None:
                    _log.info("coinglass liquidation/order: side calibrated by %s: %s", pair, self._sides)
                    return True
        _log.warning("coinglass liquidation/order: side not calibrated, sums are polled instead")
        return False

    async def _one_hour(self, coin: str, start_ms: int) -> bytes:
        """Return the hour's orders from the lowest minimum at which the list is not truncated."""
        for least in _MIN_USD:
            body = await self._rest.liquidation_orders(
                "Binance", coin, min_usd=least, start_ms=start_ms, end_ms=start_ms + _HOUR_MS
            )
            if not is_truncated(body):
                break
        return body

    async def _orders(self) -> Cycle:
        pairs = self._pairs()
        pair = min(pairs, key=lambda pair: self._asked.get(pair, 0))
        now_ms = self._wall_ms()
        # Orders may be published late, so windows overlap by a minute; repeats are known by content.
        start_ms = min(self._asked.get(pair, self._gap_ms), now_ms) - OVERLAP_MS
        for least in _MIN_USD:
            body = await self._rest.liquidation_orders(*pair, min_usd=least, start_ms=start_ms, end_ms=now_ms)
            await self._put(
                Frame(RecordKind.BODY, f"coinglass:liquidation/order:calibrated:{self._sides}", body)
            )
            if not is_truncated(body):
                break
        self._asked[pair] = now_ms
        covered = min(self._asked.get(one, 0) for one in pairs)
        return Cycle(covered, f"REST covers {len(pairs)} pairs of exchange and coin", _ORDERS_EVERY_S)

    def _pairs(self) -> list[tuple[str, str]]:
        # Each pair comes round within 45 s.
        room = max(1, min(45, int(self._budget_per_s() * 45)))
        pairs = [(exchange, coin) for coin in self._coins() for exchange in _EXCHANGES]
        return pairs[:room]

    async def _sums(self) -> Cycle:
        room = max(1, int(self._budget_per_s() * _LIST_EVERY_S))
        coins = list(self._coins())[:room]
        started_ms = self._wall_ms()
        for coin in coins:
            body = await self._rest.liquidation_exchange_list(coin)
            source = f"coinglass:liquidation/exchange-list:{coin}@{self._wall_ms()}"
            await self._put(Frame(RecordKind.BODY, source, body))
        missing = f"REST gives hourly sums of {len(coins)} coins instead of orders"
        return Cycle(started_ms, missing, _LIST_EVERY_S)

    def _budget_per_s(self) -> float:
        return max(self._rest.max_per_minute, 30) / 2 / 60


def _refs(body: bytes) -> Iterator[okx.LiquidationRef]:
    try:
        yield from okx.liquidation_refs(body)
    except msgspec.MsgspecError as error:
        raise FeedInterrupted(f"unexpected body: {str(error)[:120]}") from error
