"""What every venue's dialogue speaks: plans, events, numbered subscriptions. Pure.

A dialogue knows the words of one venue on one connection: what to say first, how to ping,
and what a frame that is not market data means. It has no socket and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from teleglas.errors import ConfigError

__all__ = [
    "CANDLES",
    "LIQUIDATIONS",
    "TRADES",
    "Ack",
    "Again",
    "Data",
    "Denied",
    "Dialogue",
    "Event",
    "Ignored",
    "Notice",
    "Pace",
    "Plan",
    "Pong",
    "Refused",
    "Subscriptions",
    "batches",
    "checked_url",
    "is_loopback",
    "refusal_of_status",
    "spread",
]

LIQUIDATIONS = "liquidations"
TRADES = "trades"
CANDLES = "candles"


@dataclass(frozen=True, slots=True)
class Plan:
    """One connection to open.

    name: printable (`binance trades 2/3`). url: may hold a key, so it is never shown.
    topics: what to subscribe, in the dialogue's own spelling. canary: a busy topic that must
    tick while the connection is healthy; where it is not among the topics its frames only
    prove liveness and are not delivered. Empty: any data proves it.
    """

    venue: str
    family: str
    name: str
    url: str = field(repr=False)
    topics: tuple[str, ...]
    canary: str = ""

    @property
    def subscribed(self) -> tuple[str, ...]:
        """All topics, the canary first: it is what silence is judged by."""
        if not self.canary or self.canary in self.topics:
            return self.topics
        return (self.canary, *self.topics)


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `count` actions in any `per_s` seconds."""

    count: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Data:
    """A frame of market data."""


@dataclass(frozen=True, slots=True)
class Ack:
    """The venue accepted these topics."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue will not serve these topics; permanent: asking again is useless."""

    topics: tuple[str, ...]
    reason: str
    permanent: bool = True


@dataclass(frozen=True, slots=True)
class Again:
    """Say these frames: one bad topic failed a batch, so its halves are tried."""

    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pong:
    """Our ping was answered; `missing` are acknowledged topics that the venue has forgotten."""

    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """The venue will close this connection soon: connect the replacement first."""

    why: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The venue refuses us as a whole; `reason` is one of FeedRefused's."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A frame that changes nothing."""


Event = Data | Ack | Refused | Again | Pong | Notice | Denied | Ignored


class Dialogue(Protocol):
    """One venue's words on one connection; make a new one for each connection.

    acks: whether the venue confirms subscriptions. rotate_after_s: replace the connection
    before the venue cuts it (None: it does not). connects: the venue's pace of new
    connections, shared by all of ours. says: the pace of frames that we send.
    """

    acks: ClassVar[bool]
    ping_every_s: ClassVar[float]
    pong_within_s: ClassVar[float]
    rotate_after_s: ClassVar[float | None]
    connects: ClassVar[Pace]
    says: ClassVar[Pace]

    def __init__(self, plan: Plan) -> None: ...

    def opening(self) -> list[str]:
        """Return the frames that subscribe all the plan's topics, batched within the venue's limits."""

    def ping(self) -> str:
        """Return the application-level ping."""

    def control(self, payload: bytes) -> Event:
        """Say what a frame means. Never raises: what is not understood is Ignored."""

    @staticmethod
    def is_data(payload: bytes) -> bool:
        """Tell market data by a cheap test; False if unsure (then ask `control`)."""

    @staticmethod
    def marks(topic: str) -> bytes:
        """Return how the data frames of a topic begin."""

    @staticmethod
    def refusal(status: int) -> str | None:
        """Return FeedRefused's reason for an HTTP status at the handshake, None to try again."""


class Subscriptions:
    """Numbers the subscribe frames, so that an answer that carries only the number is understood."""

    def __init__(self, render: Callable[[int, tuple[str, ...]], str], size: int) -> None:
        self._render = render
        self._size = size
        self._next = 1
        self._open: dict[int, tuple[str, ...]] = {}

    def frames(self, topics: Iterable[str]) -> list[str]:
        """Return subscribe frames of at most `size` topics each."""
        return [self._frame(batch) for batch in batches(tuple(topics), self._size)]

    def accepted(self, number: int) -> Ack:
        """Return the topics of a frame that was accepted."""
        return Ack(self._open.pop(number, ()))

    def refused(self, number: int, reason: str) -> Refused | Again | Ignored:
        """Return the topic that the venue refused, or the halves of a batch to try in its place."""
        topics = self._open.pop(number, ())
        if not topics:
            return Ignored()
        if len(topics) == 1:
            return Refused(topics, reason[:200])
        middle = len(topics) // 2
        return Again((self._frame(topics[:middle]), self._frame(topics[middle:])))

    def _frame(self, topics: tuple[str, ...]) -> str:
        number, self._next = self._next, self._next + 1
        self._open[number] = topics
        return self._render(number, topics)


def batches(topics: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Cut topics into runs of at most `size`."""
    for start in range(0, len(topics), size):
        yield tuple(topics[start : start + size])


def spread(topics: Sequence[str], *, count: int, chars: int | None = None) -> list[tuple[str, ...]]:
    """Spread topics over connections of at most `count` topics and `chars` characters of JSON list.

    Give them in an order that lasts (by name, not by volume): each change of a share costs
    a replacement of its connection.
    """
    shares: list[tuple[str, ...]] = []
    share: list[str] = []
    used = 2
    for topic in topics:
        cost = len(topic) + 3
        if share and (len(share) == count or (chars is not None and used + cost > chars)):
            shares.append(tuple(share))
            share, used = [], 2
        share.append(topic)
        used += cost
    if share:
        shares.append(tuple(share))
    return shares


def is_loopback(url: str) -> bool:
    """Tell whether a URL points at this machine, as those of the simulator do."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def checked_url(setting: str, url: str) -> str:
    """Return a stream URL without a trailing slash.

    Raises ConfigError unless it is wss://, or ws:// to this machine.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"ws", "wss"}:
        raise ConfigError(setting, "it is not a WebSocket address", "Write wss://host")
    if parts.scheme == "ws" and not is_loopback(url):
        raise ConfigError(setting, "it is not encrypted", "Write wss:// (ws:// is for this machine only)")
    return url.rstrip("/")


def refusal_of_status(status: int) -> str | None:
    """Return FeedRefused's reason for an HTTP status at the handshake, as most venues mean it."""
    return {401: "invalid_key", 403: "region_block", 418: "banned", 451: "region_block"}.get(status)
