"""The journal's bytes: a segment is a header record followed by records, each with its CRC.

    record  = length u32 | crc32 u32 | body           (little endian; length and CRC are of the body)
    body    = kind u8 | length of source u8 | source | received_ms i64 | payload

Two kinds belong to the format and carry no sequence number: HEADER, the first record of a
segment, and SKIP, after which the numbering goes on at a later number (records in between
were decided on but could not be written). All other records count up by one.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final
from zlib import crc32

import msgspec
from librt.strings import read_i64_le
from mypy_extensions import i64

from ws_alert.messages import JournalRecord, RecordBatch, RecordKind
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
_SEQUENCE: Final = struct.Struct("<Q")
_SMALLEST: Final = 10
_CHUNK: Final = 1 << 20
_HALF: Final = 0xFFFFFFFF
_NOT_WHOLE: Final = 0
_BAD_LENGTH: Final = -1
_BAD_CRC: Final = -2
_crc: Final = crc32  # a name of ours is found quicker than an imported one
_DAMAGE: Final = {_BAD_LENGTH: "bad_length", _BAD_CRC: "bad_crc"}
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
        self._read, self._buffer = read, b""
        self._at: i64 = 0
        self._heads: dict[bytes, tuple[RecordKind, str]] = {}
        self._begin()

    def _begin(self) -> None:
        """Read the header."""
        while (stop := _stop(self._buffer, 0)) == _NOT_WHOLE and self._fill():
            pass
        if stop <= 0:
            self.damage = self.damage or _DAMAGE.get(int(stop), "empty")
            return
        header = _decode_header(self._buffer[8:stop])
        if header is None:
            self.damage = "bad_header"
            return
        self.header, self.intact_bytes = header, int(stop)
        self._at = stop
        self.next_sequence, self.last_received_ms = header.first_sequence, header.first_received_ms

    def records(self, since: int = 0, since_ms: int = 0) -> Iterator[JournalRecord]:
        """Yield the records numbered `since` or later and received at `since_ms` or later."""
        for batch in self.batches(since, since_ms):
            yield from batch.records()

    def batches(self, since: int = 0, since_ms: int = 0) -> Iterator[RecordBatch]:
        """Yield the same: at once what one read brought, up to where the numbers jump."""
        while batch := self._batch():
            if batch.first < since or batch.times[0] < since_ms:
                batch = batch.split(max(since - batch.first, bisect_left(batch.times, since_ms)))[1]
            if batch:
                yield batch

    def _batch(self) -> RecordBatch:
        """Take apart what is read and numbered on; nothing is left if it returns nothing."""
        known, times, payloads = self._heads, list[int](), list[bytes]()
        kinds, sources = list[RecordKind](), list[str]()
        first, received_ms = self.next_sequence, self.last_received_ms
        while self.header is not None and not (times or self.damage):
            buffer = self._buffer
            at: i64 = self._at
            while (stop := _stop(buffer, at)) > 0:
                time_at = at + 10 + buffer[at + 9]
                name = buffer[at + 8 : time_at]
                at = stop
                head = known.get(name)
                if head is None and (head := self._meet(name)) is None:
                    self._jump(name, buffer[time_at + 8 : stop], len(times))
                    if times:
                        break
                    first = self.next_sequence
                    continue
                received_ms = read_i64_le(buffer, time_at)
                times.append(received_ms)
                kinds.append(head[0])
                sources.append(head[1])
                payloads.append(buffer[time_at + 8 : stop])
            else:
                self.next_sequence += len(times)
            self.intact_bytes += at - self._at
            self._at = at
            self.damage = _DAMAGE.get(int(stop))
            if not (times or self.damage or self._fill()):
                break
        self.last_received_ms = received_ms
        return RecordBatch(first, times, kinds, sources, payloads)

    def _meet(self, name: bytes) -> tuple[RecordKind, str] | None:
        """Return kind and source of a record from what stands before its time, None of one that is not for the engine."""
        kind = _KINDS.get(name[0])
        if kind is None:
            return None
        self._heads[name] = head = kind, name[2:].decode()
        return head

    def _jump(self, name: bytes, payload: bytes, taken: int) -> None:
        """Go on with the numbers behind a record that is not for the engine; taken: those before it, not numbered yet."""
        if name[0] == _SKIP:
            (self.next_sequence,) = _SEQUENCE.unpack(payload)
        else:
            self.unknown += 1
            self.next_sequence += taken + 1

    def _fill(self) -> bool:
        """Read on; return whether anything came."""
        left = self._buffer[self._at :]
        more = self._read(max(_CHUNK, len(left)))
        if not more and left:
            self.damage = "torn"
        self._buffer, self._at = left + more, 0
        return bool(more)


def _stop(buffer: bytes, at: i64) -> i64:
    """Return where the record at a place stops, or what is wrong with it: _NOT_WHOLE, _BAD_LENGTH, _BAD_CRC."""
    size = len(buffer)
    if at + 8 > size:
        return _NOT_WHOLE
    prefix = read_i64_le(buffer, at)
    length = prefix & _HALF
    if not _SMALLEST <= length <= MAX_BODY:
        return _BAD_LENGTH
    stop = at + 8 + length
    if stop > size:
        return _NOT_WHOLE
    if _crc(buffer[at + 8 : stop]) != prefix >> 32 & _HALF or length < _SMALLEST + buffer[at + 9]:
        return _BAD_CRC
    return stop


def _decode_header(body: bytes) -> SegmentHeader | None:
    if body[0] != _HEADER:
        return None
    try:
        header = msgspec.json.decode(body[_SMALLEST:], type=SegmentHeader)
    except msgspec.DecodeError:
        return None
    return header if header.format == FORMAT else None
