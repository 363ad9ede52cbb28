"""OKX v5's dialogue on `/ws/v5/public`.

Topics are written `channel:instId`, and `liquidation-orders:SWAP` by instrument type: the
venue ignores a narrower request for liquidations without saying so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final

import msgspec

from teleglas.venues.candle_rows import OKX_BARS
from teleglas.venues.dialogue import (
    CANDLES,
    LIQUIDATIONS,
    TRADES,
    Ack,
    Data,
    Event,
    Ignored,
    Notice,
    Pace,
    Plan,
    Pong,
    Refused,
    Subscriptions,
    checked_url,
    refusal_of_status,
    spread,
)
from teleglas.venues.okx import limits
from teleglas.venues.rows import DECODE_ERRORS

__all__ = ["BASE_URL", "OkxDialogue"]

BASE_URL: Final = "wss://ws.okx.com:8443"

_VENUE = "okx"
_SETTING = "OKX_WS_URL"
_PATH = "/ws/v5/public"
_BUSINESS_PATH = "/ws/v5/business"
_CANARY = "trades:BTC-USDT-SWAP"
_CANDLE_CANARY = "candle1m:BTC-USDT-SWAP"
_NAMED = re.compile(r"channel:(?P<channel>[\w-]+).*?(?:instId|instType):(?P<what>[^\s,]+)")
_GONE = frozenset({"60018", "64001"})
_CLOSING = "64008"
_TOO_OFTEN = "60014"


class _Arg(msgspec.Struct):
    channel: str = ""
    inst_type: str = msgspec.field(name="instType", default="")
    inst_id: str = msgspec.field(name="instId", default="")


class _Control(msgspec.Struct):
    event: str = ""
    code: str = ""
    msg: str = ""
    id: str = ""
    arg: _Arg | None = None
    data: msgspec.Raw = msgspec.Raw()


_control = msgspec.json.Decoder(_Control)


class OkxDialogue:
    """One connection to OKX's public channels. See `Dialogue`."""

    acks: ClassVar[bool] = True
    ping_every_s: ClassVar[float] = limits.PING_EVERY_S
    pong_within_s: ClassVar[float] = limits.PONG_WITHIN_S
    rotate_after_s: ClassVar[float | None] = None
    connects: ClassVar[Pace] = limits.CONNECTS
    says: ClassVar[Pace] = limits.FRAMES_IN

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._wanted = frozenset(plan.subscribed)
        self._batches = Subscriptions(_subscribe, limits.TOPICS_PER_FRAME)

    @staticmethod
    def plans(
        *,
        trades: Iterable[str] = (),
        liquidations: bool = True,
        candles: Iterable[tuple[str, str]] = (),
        base_url: str = BASE_URL,
    ) -> list[Plan]:
        """Return the connections for the trades of these swaps (`BTC-USDT-SWAP`) and all liquidations.

        candles: (symbol, timeframe) as in `candle_rows.TIMEFRAMES`; they are on a path of their own.
        """
        root = checked_url(_SETTING, base_url).removesuffix(_PATH)
        url = root + _PATH
        plans = []
        if liquidations:
            topics = ("liquidation-orders:SWAP",)
            plans.append(Plan(_VENUE, LIQUIDATIONS, "okx liquidations", url, topics, _CANARY))
        shares = spread(
            sorted(f"trades:{symbol}" for symbol in trades), count=limits.TOPICS_PER_CONNECTION - 1
        )
        for number, share in enumerate(shares, 1):
            name = f"okx trades {number}/{len(shares)}"
            plans.append(Plan(_VENUE, TRADES, name, url, share, _CANARY))
        asked = tuple(sorted(f"candle{OKX_BARS[timeframe]}:{symbol}" for symbol, timeframe in candles))
        if asked:
            # Trades are not on this path: the candles of BTC, pushed each second, tell whether it lives.
            plans.append(Plan(_VENUE, CANDLES, "okx candles", root + _BUSINESS_PATH, asked, _CANDLE_CANARY))
        return plans

    def opening(self) -> list[str]:
        """Return subscribe frames."""
        return self._batches.frames(self._plan.subscribed)

    def ping(self) -> str:
        """Return the bare word that OKX wants."""
        return "ping"

    def control(self, payload: bytes) -> Event:
        """Say what a frame means; an acknowledgement counts only if it repeats what was asked."""
        if payload == b"pong":
            return Pong()
        try:
            frame = _control.decode(payload)
        except DECODE_ERRORS:
            return Ignored()
        if frame.event == "subscribe" and frame.arg is not None:
            topic = _topic(frame.arg)
            return Ack((topic,)) if topic in self._wanted else Ignored()
        if frame.event == "notice" and frame.code == _CLOSING:
            return Notice("64008: the venue restarts this connection")
        if frame.event == "error":
            return self._error(frame)
        return Data() if not frame.event and bytes(frame.data) else Ignored()

    def _error(self, frame: _Control) -> Event:
        reason = f"{frame.code} {frame.msg}"
        named = _NAMED.search(frame.msg)
        topic = f"{named['channel']}:{named['what']}" if named else ""
        if topic in self._wanted and frame.code != _TOO_OFTEN:
            return Refused((topic,), reason[:200], permanent=frame.code in _GONE)
        if frame.id.isdecimal() and len(frame.id) < 10 and frame.code != _TOO_OFTEN:
            return self._batches.refused(int(frame.id), reason)
        return Refused((), reason[:200], permanent=False)

    @staticmethod
    def is_data(payload: bytes) -> bool:
        """Tell a data frame by its first key."""
        return payload.startswith(b'{"arg":')

    @staticmethod
    def marks(topic: str) -> bytes:
        """Return how the frames of a topic begin."""
        channel, _, what = topic.partition(":")
        key = "instType" if channel == "liquidation-orders" else "instId"
        return f'{{"arg":{{"channel":"{channel}","{key}":"{what}"'.encode()

    @staticmethod
    def refusal(status: int) -> str | None:
        """As most venues mean it."""
        return refusal_of_status(status)


def _arg(topic: str) -> dict[str, str]:
    channel, _, what = topic.partition(":")
    return {"channel": channel, "instType" if channel == "liquidation-orders" else "instId": what}


def _topic(arg: _Arg) -> str:
    return f"{arg.channel}:{arg.inst_type if arg.channel == 'liquidation-orders' else arg.inst_id}"


def _subscribe(number: int, topics: tuple[str, ...]) -> str:
    message = {"id": str(number), "op": "subscribe", "args": [_arg(topic) for topic in topics]}
    return msgspec.json.encode(message).decode()
