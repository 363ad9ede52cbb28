"""Binance USD-M's stream dialogue: the routed `/market` path only.

The old address (`/ws/`, `/stream` without a route) still connects and acknowledges, but has
delivered no market stream since 2026-04-23; unknown streams are acknowledged too. So an
acknowledgement proves nothing here: each connection carries a canary that must tick.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from teleglas.errors import ConfigError
from teleglas.venues.binance import limits
from teleglas.venues.dialogue import (
    CANDLES,
    LIQUIDATIONS,
    TRADES,
    Data,
    Event,
    Ignored,
    Pace,
    Plan,
    Pong,
    Subscriptions,
    checked_url,
    is_loopback,
    refusal_of_status,
    spread,
)
from teleglas.venues.rows import DECODE_ERRORS

__all__ = ["BASE_URL", "BinanceDialogue"]

BASE_URL: Final = "wss://fstream.binance.com"

_VENUE = "binance"
_SETTING = "BINANCE_WS_URL"
_HOSTS = frozenset({"fstream.binance.com", "fstream-mm.binance.com"})
_ROUTE = "/market/stream"
_CANARY = "btcusdt@aggTrade"


class _Error(msgspec.Struct):
    code: int = 0
    msg: str = ""


class _Control(msgspec.Struct):
    id: int | None = None
    result: list[str] | None = None
    error: _Error | None = None
    stream: str = ""
    e: str = ""


_control = msgspec.json.Decoder(_Control)


class BinanceDialogue:
    """One connection to `wss://fstream.binance.com/market/stream`. See `Dialogue`."""

    acks: ClassVar[bool] = True
    ping_every_s: ClassVar[float] = limits.PING_EVERY_S
    pong_within_s: ClassVar[float] = limits.PONG_WITHIN_S
    rotate_after_s: ClassVar[float | None] = limits.ROTATE_AFTER_S
    connects: ClassVar[Pace] = limits.CONNECTS
    says: ClassVar[Pace] = limits.FRAMES_IN

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._batches = Subscriptions(_subscribe, limits.STREAMS_PER_FRAME)
        self._accepted: set[str] = set()
        self._probe = 0

    @staticmethod
    def plans(
        *,
        trades: Iterable[str] = (),
        liquidations: bool = True,
        candles: Iterable[tuple[str, str]] = (),
        base_url: str = BASE_URL,
    ) -> list[Plan]:
        """Return the connections for the trades of these symbols (`BTCUSDT`) and all liquidations.

        candles: (symbol, timeframe) as in `candle_rows.TIMEFRAMES`.

        Raises ConfigError for a host that is not Binance's production, unless it is this machine:
        the testnet delivers plausible data.
        """
        url = _routed(base_url)
        plans = []
        if liquidations:
            plans.append(
                Plan(_VENUE, LIQUIDATIONS, "binance liquidations", url, ("!forceOrder@arr",), _CANARY)
            )
        topics = sorted(f"{symbol.lower()}@aggTrade" for symbol in trades)
        shares = spread(topics, count=limits.STREAMS_PER_CONNECTION - 1)
        for number, share in enumerate(shares, 1):
            name = f"binance trades {number}/{len(shares)}"
            plans.append(Plan(_VENUE, TRADES, name, url, share, _CANARY))
        topics = sorted(f"{symbol.lower()}@kline_{timeframe}" for symbol, timeframe in candles)
        shares = spread(topics, count=limits.STREAMS_PER_CONNECTION - 1)
        plans += [Plan(_VENUE, CANDLES, "binance candles", url, share, _CANARY) for share in shares]
        return plans

    def opening(self) -> list[str]:
        """Return SUBSCRIBE frames."""
        return self._batches.frames(self._plan.subscribed)

    def ping(self) -> str:
        """Return LIST_SUBSCRIPTIONS, the cheapest request that only a living server answers."""
        self._probe -= 1
        return _encode({"method": "LIST_SUBSCRIPTIONS", "id": self._probe})

    def control(self, payload: bytes) -> Event:
        """Say what a frame means; our probes have negative numbers, our subscriptions positive ones."""
        try:
            frame = _control.decode(payload)
        except DECODE_ERRORS:
            return Ignored()
        if frame.stream or frame.e:
            return Data()
        if frame.id is None:
            return Ignored()
        if frame.error is not None:
            return self._batches.refused(frame.id, f"{frame.error.code} {frame.error.msg}")
        if frame.id < 0:
            held = self._accepted if frame.result is None else set(frame.result)
            return Pong(tuple(sorted(self._accepted - held)))
        ack = self._batches.accepted(frame.id)
        self._accepted.update(ack.topics)
        return ack

    @staticmethod
    def is_data(payload: bytes) -> bool:
        """Tell a wrapped stream frame by its first key."""
        return payload.startswith(b'{"stream":')

    @staticmethod
    def marks(topic: str) -> bytes:
        """Return how the wrapped frames of a stream begin."""
        return f'{{"stream":"{topic}"'.encode()

    @staticmethod
    def refusal(status: int) -> str | None:
        """451 and 403 are regions, 418 is a ban."""
        return refusal_of_status(status)


def _routed(base_url: str) -> str:
    url = checked_url(_SETTING, base_url)
    host = urlsplit(url).hostname
    if host not in _HOSTS and not is_loopback(url):
        raise ConfigError(
            _SETTING,
            f"{host} is not Binance's production host (fstream.binancefuture.com is the testnet)",
            f"Use {BASE_URL}, or an address of this machine",
        )
    return url if url.endswith(_ROUTE) else url + _ROUTE


def _subscribe(number: int, topics: tuple[str, ...]) -> str:
    return _encode({"method": "SUBSCRIBE", "params": topics, "id": number})


def _encode(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()
