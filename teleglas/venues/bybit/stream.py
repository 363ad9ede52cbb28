"""Bybit v5's dialogue on `/v5/public/linear`: one topic per symbol, one bad topic fails its batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import msgspec

from teleglas.venues.bybit import limits
from teleglas.venues.candle_rows import BYBIT_INTERVALS
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
    refusal_of_status,
    spread,
)
from teleglas.venues.rows import DECODE_ERRORS

__all__ = ["BASE_URL", "BybitDialogue"]

BASE_URL: Final = "wss://stream.bybit.com"

_VENUE = "bybit"
_SETTING = "BYBIT_WS_URL"
_PATH = "/v5/public/linear"
_CANARY = "publicTrade.BTCUSDT"
_PING = '{"op":"ping"}'


class _Control(msgspec.Struct):
    op: str = ""
    success: bool = True
    ret_msg: str = ""
    req_id: str = ""
    topic: str = ""


_control = msgspec.json.Decoder(_Control)


class BybitDialogue:
    """One connection to Bybit's linear perpetuals. See `Dialogue`."""

    acks: ClassVar[bool] = True
    ping_every_s: ClassVar[float] = limits.PING_EVERY_S
    pong_within_s: ClassVar[float] = limits.PONG_WITHIN_S
    rotate_after_s: ClassVar[float | None] = None
    connects: ClassVar[Pace] = limits.CONNECTS
    says: ClassVar[Pace] = limits.FRAMES_IN

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._batches = Subscriptions(_subscribe, limits.TOPICS_PER_FRAME)

    @staticmethod
    def plans(
        *,
        trades: Iterable[str] = (),
        liquidations: Iterable[str] = (),
        candles: Iterable[tuple[str, str]] = (),
        base_url: str = BASE_URL,
    ) -> list[Plan]:
        """Return the connections for the trades and liquidations of these symbols (`BTCUSDT`).

        There is no wildcard: pass every linear symbol for liquidations. candles: (symbol,
        timeframe) as in `candle_rows.TIMEFRAMES`.
        """
        url = checked_url(_SETTING, base_url)
        url = url if url.endswith(_PATH) else url + _PATH
        wanted = (
            (LIQUIDATIONS, sorted(f"allLiquidation.{symbol}" for symbol in liquidations), 10_000),
            (TRADES, sorted(f"publicTrade.{symbol}" for symbol in trades), limits.TOPICS_PER_CONNECTION - 1),
            (
                CANDLES,
                sorted(f"kline.{BYBIT_INTERVALS[timeframe]}.{symbol}" for symbol, timeframe in candles),
                limits.TOPICS_PER_CONNECTION - 1,
            ),
        )
        room = limits.ARGS_CHARS_PER_CONNECTION - len(_CANARY) - 3
        plans = []
        for family, topics, count in wanted:
            shares = spread(topics, count=count, chars=room)
            for number, share in enumerate(shares, 1):
                name = f"bybit {family} {number}/{len(shares)}"
                plans.append(Plan(_VENUE, family, name, url, share, _CANARY))
        return plans

    def opening(self) -> list[str]:
        """Return subscribe frames of ten topics."""
        return self._batches.frames(self._plan.subscribed)

    def ping(self) -> str:
        """Return Bybit's own ping; protocol pings do not keep the connection."""
        return _PING

    def control(self, payload: bytes) -> Event:
        """Say what a frame means; a pong comes as op `ping` with `ret_msg` `pong` here."""
        try:
            frame = _control.decode(payload)
        except DECODE_ERRORS:
            return Ignored()
        if frame.topic:
            return Data()
        if frame.op == "pong" or (frame.op == "ping" and frame.ret_msg == "pong"):
            return Pong()
        if frame.op != "subscribe" or not frame.req_id.isdecimal() or len(frame.req_id) > 9:
            return Ignored()
        number = int(frame.req_id)
        return (
            self._batches.accepted(number) if frame.success else self._batches.refused(number, frame.ret_msg)
        )

    @staticmethod
    def is_data(payload: bytes) -> bool:
        """Tell a data frame by its first key."""
        return payload.startswith(b'{"topic":')

    @staticmethod
    def marks(topic: str) -> bytes:
        """Return how the frames of a topic begin."""
        return f'{{"topic":"{topic}"'.encode()

    @staticmethod
    def refusal(status: int) -> str | None:
        """403 is a forbidden region or too many connections: both want a long pause."""
        return refusal_of_status(status)


def _subscribe(number: int, topics: tuple[str, ...]) -> str:
    return msgspec.json.encode({"req_id": str(number), "op": "subscribe", "args": topics}).decode()
