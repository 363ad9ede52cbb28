"""The journal's bytes: a segment is a header record followed by records, each with its CRC.

    record  = length u32 | crc32 u32 | body           (little endian; length and CRC are of the body)
    body    = kind u8 | length of source u8 | source | received_ms i64 | payload

Two kinds belong to the format and carry no sequence number: HEADER, the first record of a
segment, and SKIP, after which the numbering goes on at a later number (records in between
were decided on but could not be written). All other records count up by one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final
from zlib import crc32

import msgspec

from ws_alert.messages import JournalRecord, RecordKind
from ws_alert.sources.journal_header import SegmentHeader

__all__ = [
    "FORMAT",
    "MAX_BODY",
    "SegmentDecoder",
    "encode",
    "encode_head",
    "encode_header",
    "encode_skip",
    "frame_head",
]

FORMAT: Final = 1
MAX_BODY: Final = 64 * 1024 * 1024
"""No source reads more in one piece, so a larger length is a damaged one."""

_HEADER: Final = 0
_SKIP: Final = 255
_PREFIX: Final = struct.Struct("<II")
_TIME: Final = struct.Struct("<q")
_prefix_at: Final = _PREFIX.unpack_from
_time_at: Final = _TIME.unpack_from
_SEQUENCE: Final = struct.Struct("<Q")
_SMALLEST: Final = 10
_CHUNK: Final = 1 << 20
_KINDS: Final[dict[int, RecordKind]] = {int(kind): kind for kind in RecordKind}

frame_head: Final = _PREFIX.pack
"""(length of the body, CRC of the body) -> the 8 bytes before it."""


def encode_head(kind: int, source: str, received_ms: int) -> tuple[bytes, int]:
    """Return what stands before the payload, and its CRC; equal for equal arguments, so it can be kept.

    Raises ValueError if the source is longer than 255 bytes.
    """
    name = source.encode()
    if len(name) > 255:
        raise ValueError(f"a source's name has at most 255 bytes, not {len(name)}")
    head = bytes((kind, len(name))) + name + _TIME.pack(received_ms)
    return head, crc32(head)


def encode(kind: int, source: str, received_ms: int, payload: bytes) -> bytes:
    """Return one record."""
    head, crc = encode_head(kind, source, received_ms)
    return frame_head(len(head) + len(payload), crc32(payload, crc)) + head + payload


def encode_header(first_sequence: int, first_received_ms: int, context: bytes) -> bytes:
    """Return the record that a segment starts with; `context` is JSON."""
    header = SegmentHeader(FORMAT, first_sequence, first_received_ms, msgspec.Raw(context))
    return encode(_HEADER, "", first_received_ms, msgspec.json.encode(header))


def encode_skip(next_sequence: int, received_ms: int) -> bytes:
    """Return the record after which the next one has the number `next_sequence`."""
    return encode(_SKIP, "", received_ms, _SEQUENCE.pack(next_sequence))


class SegmentDecoder:
    """Reads one segment up to its end or its first damage.

    `header` is None if the segment does not begin with an intact one; there are no records
    then. After iterating: `next_sequence`, `last_received_ms`, `intact_bytes` (where a
    repair cuts) and `damage`, None or one of `empty`, `torn`, `bad_length`, `bad_crc`,
    `bad_header`. unknown: how many intact records were left out whose kind only a newer version knows;
    they keep their number. Iterate once.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.header: SegmentHeader | None = None
        self.damage: str | None = None
        self.next_sequence = 0
        self.last_received_ms = 0
        self.intact_bytes = self.unknown = 0
        self._read, self._buffer, self._at = read, b"", 0
        self._heads: dict[bytes, tuple[RecordKind, str]] = {}
        self._begin()

    def _begin(self) -> None:
        """Read the header."""
        bodies = self._bodies(1)
        if not bodies:
            self.damage = self.damage or "empty"
            return
        header = _decode_header(bodies[0])
        if header is None:
            self.damage = "bad_header"
            return
        self.header, self.intact_bytes = header, self._at
        self.next_sequence, self.last_received_ms = header.first_sequence, header.first_received_ms

    def records(self, since: int = 0, since_ms: int = 0) -> Iterator[JournalRecord]:
        """Yield the records numbered `since` or later and received at `since_ms` or later."""
        for batch in self.batches(since, since_ms):
            yield from batch

    def batches(self, since: int = 0, since_ms: int = 0) -> Iterator[list[JournalRecord]]:
        """Yield the same, as many at once as one read brought."""
        while self.header is not None and (bodies := self._bodies(_CHUNK)):
            batch = self._records(bodies)
            if batch and (batch[0].sequence < since or batch[0].received_ms < since_ms):
                batch = [each for each in batch if each.sequence >= since and each.received_ms >= since_ms]
            yield batch

    def _records(self, bodies: list[bytes]) -> list[JournalRecord]:
        """Take records apart and number them."""
        sequence, received_ms = self.next_sequence, self.last_received_ms
        heads, record, found = self._heads, JournalRecord, list[JournalRecord]()
        for body in bodies:
            at = 2 + body[1]
            head = heads.get(body[:at])
            if head is None:
                if body[0] == _SKIP:
                    (sequence,) = _SEQUENCE.unpack_from(body, at + 8)
                    continue
                if body[0] not in _KINDS:
                    self.unknown += 1
                    sequence += 1
                    continue
                head = heads[body[:at]] = _KINDS[body[0]], body[2:at].decode()
            (received_ms,) = _time_at(body, at)
            kind, source = head
            found.append(record(sequence, received_ms, kind, source, body[at + 8 :]))
            sequence += 1
        self.next_sequence, self.last_received_ms = sequence, received_ms
        self.intact_bytes += sum(map(len, bodies)) + 8 * len(bodies)
        return found

    def _bodies(self, most: int) -> list[bytes]:
        """Return the next bodies whose CRC is right: what one read holds, at most so many; none at the end."""
        checksum, found = crc32, list[bytes]()
        length: int
        crc: int
        while not (found or self.damage):
            buffer, at, wanted = self._buffer, self._at, 8
            size = len(buffer)
            while at + 8 <= size and len(found) < most:
                length, crc = _prefix_at(buffer, at)
                if not _SMALLEST <= length <= MAX_BODY:
                    self.damage = "bad_length"
                    break
                stop = at + 8 + length
                if stop > size:
                    wanted += length
                    break
                body = buffer[at + 8 : stop]
                if checksum(body) != crc or length < _SMALLEST + body[1]:
                    self.damage = "bad_crc"
                    break
                found.append(body)
                at = stop
            self._at = at
            if not (found or self.damage):
                more = self._read(max(_CHUNK, wanted))
                if not more:
                    self.damage = "torn" if at < size else None
                    break
                self._buffer, self._at = buffer[at:] + more, 0
        return found


def _decode_header(body: bytes) -> SegmentHeader | None:
    if body[0] != _HEADER:
        return None
    try:
        header = msgspec.json.decode(body[_SMALLEST:], type=SegmentHeader)
    except msgspec.DecodeError:
        return None
    return header if header.format == FORMAT else None
