"""What a segment of the journal begins with.

Apart from the bytes of the records, since msgspec's types cannot be compiled (see `ws_alert.compiled`).
"""

from __future__ import annotations

import msgspec

from teleglas.market import Instrument

__all__ = ["Context", "SegmentHeader"]


class Context(msgspec.Struct, frozen=True):
    """What decides beside the records: a replay of the segment takes these and nothing else.

    program: version that wrote it. rules: `ws_alert.rules.Rules` as JSON. instruments: by
    venue, as they were when the segment began. simulated: the market was not real.
    """

    program: str
    rules: msgspec.Raw
    instruments: dict[str, tuple[Instrument, ...]]
    simulated: bool = False


class SegmentHeader(msgspec.Struct, frozen=True):
    """First record of a segment. context: a `Context` as JSON, kept as written."""

    format: int
    first_sequence: int
    first_received_ms: int
    context: msgspec.Raw

    def decode_context(self) -> Context:
        """Return the context; raises msgspec.DecodeError if another program wrote it."""
        return msgspec.json.decode(self.context, type=Context, strict=False)
