"""The journal on disk: every input of the engine, appended before it is decided on (SEMANTICS 21).

`write()` survives a kill of the process; a thread's `fdatasync`, at most each 50 ms,
survives a power cut. Segments that are full or an hour old are packed with zstd in another
thread and removed by size and age. The same files are the recording for replays.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self
from zlib import crc32

import structlog

from teleglas.errors import InputError, TeleglasError
from teleglas.locks import FileLock
from ws_alert.alert_engine import WARM_UP_MS
from ws_alert.messages import Frame, JournalRecord, RecordBatch, RecordKind
from ws_alert.sources.journal_files import (
    Segment,
    compress,
    list_segments,
    open_segment,
    prunable,
    segment_path,
    sync_folder,
)
from ws_alert.sources.journal_format import (
    SegmentDecoder,
    encode,
    encode_head,
    encode_header,
    encode_skip,
    frame_head,
)
from ws_alert.sources.journal_header import SegmentHeader

__all__ = ["Damage", "JournalReader", "JournalUnwritable", "JournalWriter"]

_HOUR_MS = 3_600_000

log = structlog.get_logger(__name__)


class JournalUnwritable(TeleglasError):
    """The journal could not be written; what was appended is lost to it, but may be decided on.

    The numbering goes on, and the next `write` tries again.
    """


class Damage(NamedTuple):
    """Where a segment stopped being intact: `reason` as in SegmentDecoder, at byte `offset`."""

    path: Path
    offset: int
    reason: str


class JournalWriter:
    """Appends records to a folder that it alone writes.

    Opening cuts the torn tail of the last segment (`damage` tells), packs what a crash left
    plain, and numbers on after the last record or after `committed`, whichever is later;
    `gap` is how many committed records the journal has lost (power cut), `lost` how many
    could not be written. A file that has no intact header is set aside as `.damaged`. `last_sequence`
    and `last_received_ms` are those of the newest record. Each opening starts a segment,
    since settings may have changed; `header` is called for each segment and returns a
    `Context` as JSON.

    Opening raises AlreadyRunning if another process writes this folder, OSError if the
    folder cannot be made or read. Not thread-safe: one task appends and writes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        header: Callable[[], bytes],
        committed: int = 0,
        max_segment_bytes: int = 64 * 1024 * 1024,
        max_segment_ms: int = _HOUR_MS,
        keep_bytes: int = 2 * 1024**3,
        keep_ms: int = 48 * _HOUR_MS,
        sync_every_s: float = 0.05,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = FileLock(
            folder / "lock",
            told=f"JOURNAL_DIR: another TELEGLAS process writes {folder}. Stop it, or give each its own folder",
        )
        self._folder, self._header = folder, header
        self._max_bytes, self._max_ms = max_segment_bytes, max_segment_ms
        self._keep_bytes, self._keep_ms = keep_bytes, keep_ms
        self.lost = 0
        self.damage: Damage | None = None
        self.last_sequence = self.last_received_ms = 0
        left = self._recover()
        self.gap = max(0, committed - self.last_sequence)
        self.last_sequence = max(committed, self.last_sequence)
        self._needed = committed
        self._parts: list[bytes] = []
        self._pending = 0
        self._fd: int | None = None
        self._path = folder
        self._size = self._first_ms = self._batch_ms = self._now_ms = 0
        self._skipped = self._sync_fails = False
        self._guard = threading.Lock()
        self._dirty, self._stopping = threading.Event(), threading.Event()
        self._packer = ThreadPoolExecutor(1, thread_name_prefix="journal-pack")
        self._syncer = threading.Thread(
            target=self._sync_loop, args=(sync_every_s,), name="journal-sync", daemon=True
        )
        self._syncer.start()
        for segment in left:
            self._packer.submit(self._pack, segment.path)

    def append(self, kind: RecordKind, source: str, received_ms: int, payload: bytes) -> int:
        """Take a record for the next `write` and return its number.

        received_ms must not be smaller than that of the record before.
        """
        self._parts.append(encode(kind, source, received_ms, payload))
        return self._number(1, received_ms)

    def extend(self, frames: Sequence[Frame], received_ms: int) -> int:
        """Append a batch that was stamped with one time; return the last one's number.

        Half the cost of `append` for each: what stands before a payload is made once per source.
        """
        parts: list[bytes] = []
        checksum, frame = crc32, frame_head
        heads: dict[str, tuple[bytes, int, int]] = {}
        last_kind: RecordKind | None = None
        for each in frames:
            if each.kind is not last_kind:
                last_kind, heads = each.kind, {}
            known = heads.get(each.source)
            if known is None:
                head, crc = encode_head(each.kind, each.source, received_ms)
                known = heads[each.source] = head, crc, len(head)
            head, crc, size = known
            payload = each.payload
            parts += (frame(size + len(payload), checksum(payload, crc)), head, payload)
        self._parts += parts
        return self._number(len(frames), received_ms)

    def write(self) -> None:
        """Hand everything appended to the operating system in one call.

        Afterwards a kill of this process loses none of it. Raises JournalUnwritable; the
        caller may decide on the records all the same, and `lost` counts them.
        """
        if not self._pending:
            return
        first = self.last_sequence - self._pending + 1
        try:
            self._write_out(first)
        except OSError as error:
            self.lost += self._pending
            self._skipped = True
            raise JournalUnwritable(f"{self._folder}: {error.strerror or error}") from error
        finally:
            self._parts.clear()
            self._pending = 0
            self.last_received_ms = self._now_ms
        self._dirty.set()
        if self._size >= self._max_bytes or self._now_ms - self._first_ms >= self._max_ms:
            self._retire()

    def committed(self, position: int) -> None:
        """Say that the database holds everything up to `position`: older segments may go."""
        self._needed = position

    def close(self) -> None:
        """Write and sync what is left, and end the threads. The last segment stays plain."""
        try:
            with contextlib.suppress(JournalUnwritable):
                self.write()
            self._stopping.set()
            self._dirty.set()
            self._syncer.join()
            self._packer.shutdown(wait=True)
            if self._fd is not None:
                with contextlib.suppress(OSError):
                    os.fdatasync(self._fd)
                os.close(self._fd)
                self._fd = None
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _number(self, count: int, received_ms: int) -> int:
        if not self._pending:
            self._batch_ms = received_ms
        self._now_ms = received_ms
        self._pending += count
        self.last_sequence += count
        return self.last_sequence

    def _write_out(self, first: int) -> None:
        fd = self._begin(first) if self._fd is None else self._fd
        if not self._size:
            self._parts.insert(0, encode_header(first, self._batch_ms, self._header()))
        elif self._skipped:
            self._parts.insert(0, encode_skip(first, self._batch_ms))
        data = b"".join(self._parts)
        done = 0
        try:
            while done < len(data):
                done += os.write(fd, data[done:] if done else data)
        except OSError:
            self._take_back(fd)
            raise
        self._size += len(data)
        self._skipped = False

    def _take_back(self, fd: int) -> None:
        try:
            os.ftruncate(fd, self._size)
        except OSError:
            self._retire()

    def _begin(self, first: int) -> int:
        path = segment_path(self._folder, first, self._batch_ms)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with self._guard:
            self._fd = fd
        self._path, self._size, self._first_ms = path, 0, self._batch_ms
        return fd

    def _retire(self) -> None:
        with self._guard:
            fd, self._fd = self._fd, None
        if fd is not None:
            self._packer.submit(self._finish, fd, self._path)

    def _finish(self, fd: int, path: Path) -> None:
        try:
            os.fdatasync(fd)
        except OSError as error:
            log.warning("journal_not_synced", path=str(path), why=error.strerror)
        finally:
            os.close(fd)
        self._pack(path)

    def _pack(self, path: Path) -> None:
        try:
            if path.stat().st_size:
                compress(path)
            else:
                path.unlink()
            self._prune()
        except OSError as error:
            log.warning("journal_not_packed", path=str(path), why=error.strerror)

    def _prune(self) -> None:
        sized = [(segment, segment.path.stat().st_size) for segment in list_segments(self._folder)]
        gone = prunable(
            sized,
            keep_bytes=self._keep_bytes,
            oldest_ms=self.last_received_ms - self._keep_ms,
            needed_sequence=self._needed,
            warm_up_ms=WARM_UP_MS,
        )
        for segment in gone:
            segment.path.unlink(missing_ok=True)

    def _sync_loop(self, every_s: float) -> None:
        while not self._stopping.is_set():
            self._dirty.wait()
            self._dirty.clear()
            with self._guard:
                fd = None if self._fd is None else os.dup(self._fd)
            if fd is not None:
                try:
                    os.fdatasync(fd)
                    self._sync_fails = False
                except OSError as error:
                    if not self._sync_fails:
                        log.warning("journal_not_synced", path=str(self._path), why=error.strerror)
                    self._sync_fails = True
                finally:
                    os.close(fd)
            self._stopping.wait(every_s)

    def _recover(self) -> list[Segment]:
        """Cut the last segment's torn tail, learn where it ended, return the plain ones."""
        for aside in self._folder.glob("*.journal.tmp"):
            aside.unlink()
        segments = list_segments(self._folder)
        for segment in segments:
            if segment.compressed:
                segment.path.with_suffix("").unlink(missing_ok=True)
        for segment in reversed(segments):
            found = _scan(segment)
            if found.damage and not segment.compressed:
                self.damage = Damage(segment.path, found.intact_bytes, found.damage)
                _cut(segment.path, found.intact_bytes)
            if found.header is not None:
                self.last_sequence = found.next_sequence - 1
                self.last_received_ms = found.last_received_ms
                break
        sync_folder(self._folder)
        return [segment for segment in list_segments(self._folder) if not segment.compressed]


def _scan(segment: Segment) -> SegmentDecoder:
    with open_segment(segment.path) as read:
        decoder = SegmentDecoder(read)
        for _ in decoder.records():
            pass
    return decoder


def _cut(path: Path, size: int) -> None:
    if size:
        os.truncate(path, size)
    elif path.stat().st_size:
        path.replace(path.with_suffix(".damaged"))
    else:
        path.unlink()


class JournalReader:
    """Reads segments in the order of their records: a folder of the journal, or single files.

    `damage` lists what was met so far; after a damaged spot the next segment goes on. `unknown`
    counts records that a newer version wrote and this one cannot read.
    progress is called with each segment's bytes when it was read. Raises InputError for a
    file that is not a journal.
    """

    def __init__(self, *paths: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        self._progress = progress
        self.damage: list[Damage] = []
        self.unknown = 0
        self._segments: list[Segment] = []
        for path in paths:
            self._segments += list_segments(path) if path.is_dir() else [_only(path)]
        self._segments.sort(key=lambda segment: (segment.first_received_ms, segment.first_sequence))

    def read(self, since: int = 0, since_ms: int = 0) -> Iterator[SegmentHeader | JournalRecord]:
        """Yield each segment's header and then its records from number `since` and time `since_ms` on.

        Segments that end before are not opened.
        """
        for found in self.batches(since, since_ms):
            if isinstance(found, SegmentHeader):
                yield found
            else:
                yield from found.records()

    def batches(self, since: int = 0, since_ms: int = 0) -> Iterator[SegmentHeader | RecordBatch]:
        """Yield the same: at once what one read of a segment brought, up to where the numbers jump."""
        for segment in _from(self._segments, since, since_ms):
            with open_segment(segment.path) as read:
                decoder = SegmentDecoder(read)
                if decoder.header is not None:
                    yield decoder.header
                yield from decoder.batches(since, since_ms)
            if decoder.damage:
                self.damage.append(Damage(segment.path, decoder.intact_bytes, decoder.damage))
            self.unknown += decoder.unknown
            self._progress(segment.size())


def _from(segments: Sequence[Segment], since: int, since_ms: int) -> Sequence[Segment]:
    start = 0
    for index, segment in enumerate(segments):
        if segment.first_sequence <= since or segment.first_received_ms < since_ms:
            start = index
    return segments[start:]


def _only(path: Path) -> Segment:
    try:
        with open_segment(path) as read:
            header = SegmentDecoder(read).header
    except OSError as error:
        raise InputError(str(path), 1, error.strerror or str(error)) from error
    if header is None:
        raise InputError(str(path), 1, "this is not a journal of TELEGLAS, or its header is damaged")
    return Segment(header.first_sequence, header.first_received_ms, path)
