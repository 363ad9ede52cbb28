"""What a venue's decoder does, whatever the venue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from mypy_extensions import mypyc_attr

from teleglas.market import Instrument
from teleglas.market_sink import MarketSink

__all__ = ["Codec"]


@mypyc_attr(allow_interpreted_subclasses=True)
class Codec(ABC):
    """A venue's pure decoder. A base class as `MarketSink` is, and for the same reason."""

    @abstractmethod
    def decode_many(self, payloads: Sequence[bytes], sink: MarketSink) -> None:
        """Put what WebSocket frames hold into the sink, in their order; never raises."""

    @abstractmethod
    def decode_body(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Put what one REST body holds into the sink; never raises."""

    @abstractmethod
    def use(self, instruments: Mapping[str, Instrument]) -> None:
        """Decode with these instruments from now on."""
