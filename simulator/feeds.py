"""What the venues' feeds have in common: clock, printed rows, histories for REST, and pushes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulator.listings import Asset, Listing
from simulator.market import Event

__all__ = ["Feed", "History", "Printed", "Push", "Quote", "VenueClock"]

_TRADES_KEPT = 3_000
_LIQUIDATIONS_KEPT = 20_000


@dataclass(slots=True)
class VenueClock:
    """A venue's time: Unix ms at the simulation's start; a clock jump shifts it."""

    start_ms: int
    jump_ms: int = 0

    def at(self, model_ms: int) -> int:
        """Return the venue's Unix ms at a time since the simulation's start."""
        return self.start_ms + model_ms + self.jump_ms


@dataclass(frozen=True, slots=True)
class Push:
    """One message for everyone who subscribed to `channel` (the venue's key of the stream)."""

    channel: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Printed:
    """A forced order as its venue let it through. long: of the POSITION. number: of a numbered storm, else 0."""

    listing: Listing
    event_ms: int
    long: bool
    price: str
    quantity: str
    usd: float
    number: int = 0


@dataclass(slots=True)
class Quote:
    """The last price, index and day's volume of one contract."""

    price: float
    volume: float
    trades: int = 0


@dataclass
class History:
    """What a venue's REST interface remembers: recent trades and forced orders, oldest first."""

    listings: dict[str, Listing]
    quotes: dict[str, Quote]
    trades: dict[str, deque[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_TRADES_KEPT))
    )
    liquidations: deque[Printed] = field(default_factory=lambda: deque(maxlen=_LIQUIDATIONS_KEPT))

    @classmethod
    def of(cls, venue: str, assets: Iterable[Asset]) -> History:
        """Return an empty history of the venue's listings at their starting prices."""
        pairs = [
            (asset, listing, share)
            for asset in assets
            for listing, share in zip(asset.listings, asset.shares, strict=True)
            if listing.venue == venue
        ]
        return cls(
            {listing.symbol: listing for _, listing, _ in pairs},
            {
                listing.symbol: Quote(asset.price * listing.scale, asset.turnover * share)
                for asset, listing, share in pairs
            },
        )


class Feed(Protocol):
    """A venue's streams: takes the market's events, says at each tick what is pushed. Pure."""

    clock: VenueClock
    history: History

    def take(self, event: Event) -> None:
        """Take one event; events come in order of time."""

    def due(self, now_ms: int) -> tuple[list[Push], list[Printed]]:
        """Return the messages due by `now_ms` (since the start) and the forced orders among them."""
