"""The journal's folder: which segments there are, reading them plain or compressed, and which may go."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import zstandard

__all__ = ["Segment", "compress", "list_segments", "open_segment", "prunable", "segment_path", "sync_folder"]

_NAME = re.compile(r"(\d{16})-(\d{13})\.journal(\.zst)?\Z")
_COPY_BYTES = 1 << 20


class Segment(NamedTuple):
    """A file of the journal; its name tells the number and the time (ms) of its first record."""

    first_sequence: int
    first_received_ms: int
    path: Path

    @property
    def compressed(self) -> bool:
        """Whether it is closed and packed with zstd."""
        return self.path.suffix == ".zst"

    def size(self) -> int:
        """Return the file's bytes, 0 if it is gone."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def segment_path(folder: Path, first_sequence: int, first_received_ms: int) -> Path:
    """Return the path of a segment that is being written."""
    return folder / f"{first_sequence:016d}-{first_received_ms:013d}.journal"


def list_segments(folder: Path) -> list[Segment]:
    """Return the folder's segments in the order of their records, each once.

    Where a crash left a segment both plain and packed, the packed one counts: it was
    renamed into place only when it was complete.
    """
    found: dict[tuple[int, int], Segment] = {}
    for path in sorted(folder.iterdir()):
        named = _NAME.match(path.name)
        if named:
            key = int(named[1]), int(named[2])
            found[key] = Segment(*key, path)
    return sorted(found.values())


@contextmanager
def open_segment(path: Path) -> Iterator[Callable[[int], bytes]]:
    """Give a function that reads the segment's bytes in order, unpacked.

    A file that is packed meanwhile is followed to its new name; a damaged zstd frame reads
    as the end of the file. Raises OSError.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        path = path.with_name(path.name + ".zst")
        file = path.open("rb")
    with file:
        if path.suffix != ".zst":
            yield file.read
            return
        unpacked = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)

        def read(size: int) -> bytes:
            try:
                return unpacked.read(size)
            except zstandard.ZstdError:
                return b""

        yield read


def compress(path: Path) -> Path:
    """Pack a closed segment and remove the plain one; a crash at any point leaves a whole one.

    Raises OSError, and then the plain segment is still there.
    """
    packed, aside = path.with_name(path.name + ".zst"), path.with_name(path.name + ".tmp")
    try:
        with path.open("rb") as source, aside.open("wb") as target:
            zstandard.ZstdCompressor(level=3).copy_stream(
                source, target, read_size=_COPY_BYTES, write_size=_COPY_BYTES
            )
            target.flush()
            os.fsync(target.fileno())
        aside.replace(packed)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    path.unlink()
    return packed


def sync_folder(folder: Path) -> None:
    """Make renames and new files of the folder survive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def prunable(
    segments: Iterable[tuple[Segment, int]],
    *,
    keep_bytes: int,
    oldest_ms: int,
    needed_sequence: int,
    warm_up_ms: int,
) -> list[Segment]:
    """Return which of the (segment, size in bytes) may be removed, oldest first.

    One goes when the rest exceeds `keep_bytes` or all its records are older than
    `oldest_ms`, but never while it holds a record within `warm_up_ms` before the segment
    of `needed_sequence`, and never the newest.
    """
    known = list(segments)
    total = sum(size for _, size in known)
    holding = [segment for segment, _ in known if segment.first_sequence <= needed_sequence]
    needed_ms = holding[-1].first_received_ms - warm_up_ms if holding else 0
    gone: list[Segment] = []
    for (segment, size), (following, _) in pairwise(known):
        ended_ms = following.first_received_ms
        if ended_ms >= needed_ms or (total <= keep_bytes and ended_ms >= oldest_ms):
            break
        gone.append(segment)
        total -= size
    return gone
