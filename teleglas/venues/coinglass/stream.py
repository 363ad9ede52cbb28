"""CoinGlass's dialogue: `{"method":"subscribe","channels":[...]}`, text pings, the key in the URL.

It documents neither acknowledgements nor errors: subscriptions are proven by data, and a
frame with a `code` other than 0 is taken as a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import quote

import msgspec

from teleglas.venues.coinglass import limits
from teleglas.venues.dialogue import (
    LIQUIDATIONS,
    TRADES,
    Data,
    Denied,
    Event,
    Ignored,
    Pace,
    Plan,
    Pong,
    Refused,
    batches,
    checked_url,
    refusal_of_status,
    spread,
)
from teleglas.venues.rows import DECODE_ERRORS

__all__ = ["BASE_URL", "CoinglassDialogue"]

BASE_URL: Final = "wss://open-ws.coinglass.com"

_VENUE = "coinglass"
_SETTING = "COINGLASS_WS_URL"
_PATH = "/ws-api"
_CANARY = "futures_trades@Binance_BTCUSDT@1000"
_LIQUIDATIONS = ("liquidationOrders", "liquidation_orders")
"""The documented spelling and that of 2026; which of them works is not known, so both are asked."""
_PLAN = re.compile(r"upgrade|\bplan\b", re.IGNORECASE)
_KEY = re.compile(r"api.?key|unauthori[sz]ed", re.IGNORECASE)


class _Control(msgspec.Struct):
    channel: str = ""
    code: int | str = 0
    msg: str = ""
    error: str = ""
    data: msgspec.Raw = msgspec.Raw()


_control = msgspec.json.Decoder(_Control)


class CoinglassDialogue:
    """One connection to `wss://open-ws.coinglass.com/ws-api`. See `Dialogue`."""

    acks: ClassVar[bool] = False
    ping_every_s: ClassVar[float] = limits.PING_EVERY_S
    pong_within_s: ClassVar[float] = limits.PONG_WITHIN_S
    rotate_after_s: ClassVar[float | None] = None
    connects: ClassVar[Pace] = limits.CONNECTS
    says: ClassVar[Pace] = limits.FRAMES_IN

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._wanted = frozenset(plan.subscribed)

    @staticmethod
    def plans(
        key: str,
        *,
        trades: Iterable[tuple[str, str, int]] = (),
        liquidations: bool = True,
        base_url: str = BASE_URL,
    ) -> list[Plan]:
        """Return the connections for all liquidations and for trades of (exchange, symbol, minimum USD).

        The URL of each plan contains the key: never print it.
        """
        url = checked_url(_SETTING, base_url)
        url = url if url.endswith(_PATH) else url + _PATH
        url = f"{url}?cg-api-key={quote(key, safe='')}"
        plans = []
        if liquidations:
            plans.append(Plan(_VENUE, LIQUIDATIONS, "coinglass liquidations", url, _LIQUIDATIONS, _CANARY))
        topics = sorted(f"futures_trades@{exchange}_{symbol}@{least}" for exchange, symbol, least in trades)
        shares = spread(topics, count=limits.CHANNELS_PER_CONNECTION - 1)
        for number, share in enumerate(shares, 1):
            name = f"coinglass trades {number}/{len(shares)}"
            plans.append(Plan(_VENUE, TRADES, name, url, share, _CANARY))
        return plans

    def opening(self) -> list[str]:
        """Return subscribe frames."""
        return [
            msgspec.json.encode({"method": "subscribe", "channels": batch}).decode()
            for batch in batches(self._plan.subscribed, limits.CHANNELS_PER_FRAME)
        ]

    def ping(self) -> str:
        """Return the bare word; it is due from the first second."""
        return "ping"

    def control(self, payload: bytes) -> Event:
        """Say what a frame means."""
        if payload == b"pong":
            return Pong()
        try:
            frame = _control.decode(payload)
        except DECODE_ERRORS:
            return Ignored()
        if str(frame.code) not in {"0", ""} or frame.error:
            return self._refused(frame)
        return Data() if frame.channel and bytes(frame.data) else Ignored()

    def _refused(self, frame: _Control) -> Event:
        said = f"{frame.code} {frame.error or frame.msg}"[:200]
        if frame.channel in self._wanted:
            return Refused((frame.channel,), said)
        if _PLAN.search(said) or str(frame.code) == "403":
            return Denied("plan", said)
        if _KEY.search(said) or str(frame.code) == "401":
            return Denied("invalid_key", said)
        return Denied("bad_request", said)

    @staticmethod
    def is_data(payload: bytes) -> bool:
        """Tell a data frame by its first key; one with `data` first is left to `control`."""
        return payload.startswith(b'{"channel":')

    @staticmethod
    def marks(topic: str) -> bytes:
        """Return how the frames of a channel begin."""
        return f'{{"channel":"{topic}"'.encode()

    @staticmethod
    def refusal(status: int) -> str | None:
        """403 is a plan without streams here."""
        return "plan" if status == 403 else refusal_of_status(status)
