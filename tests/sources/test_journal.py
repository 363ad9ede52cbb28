"""The journal keeps every record that was handed over, through kills, damage, full disks and rotation."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import signal
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.errors import AlreadyRunning, InputError
from ws_alert.messages import Frame, JournalRecord, RecordKind
from ws_alert.rules import Rules
from ws_alert.sources import journal_files, journal_format
from ws_alert.sources.journal import JournalReader, JournalUnwritable, JournalWriter
from ws_alert.sources.journal_files import Segment, list_segments, prunable
from ws_alert.sources.journal_format import SegmentDecoder
from ws_alert.sources.journal_header import Context, SegmentHeader

NOON = 1_763_726_400_000
CONTEXT = msgspec.json.encode(Context("1.2.3", msgspec.Raw(Rules().model_dump_json().encode()), {}))


def _writer(folder: Path, **options) -> JournalWriter:
    return JournalWriter(folder, header=lambda: CONTEXT, **options)


def _write_numbers(folder: Path, numbers: range, **options) -> None:
    with _writer(folder, **options) as journal:
        for number in numbers:
            journal.append(RecordKind.FRAME, "binance", NOON + number, b"frame %d" % number)
            journal.write()


def _numbers(folder: Path, **where) -> list[int]:
    return [int(each.payload.split()[1]) for each in _records(JournalReader(folder), **where)]


def _records(reader: JournalReader, **where) -> list[JournalRecord]:
    return [each for each in reader.read(**where) if isinstance(each, JournalRecord)]


def _newest(folder: Path) -> Path:
    return list_segments(folder)[-1].path


def test_records_come_back_as_written(tmp_path):
    """Number, time, kind, source and payload survive; the header carries what decides."""
    with _writer(tmp_path) as journal:
        assert journal.append(RecordKind.FRAME, "binance", NOON, b'{"e":"forceOrder"}') == 1
        last = journal.extend(
            [Frame(RecordKind.FRAME, "okx", b"x"), Frame(RecordKind.BODY, "okx:trades:BTC", b"")], NOON + 1
        )
        assert last == 3
        journal.write()
    header, *rest = JournalReader(tmp_path).read()
    assert isinstance(header, SegmentHeader)
    assert (header.first_sequence, header.first_received_ms, list_segments(tmp_path)[0][:2]) == (
        1,
        NOON,
        (1, NOON),
    )
    assert Rules.model_validate_json(bytes(header.decode_context().rules)) == Rules()
    assert rest == [
        JournalRecord(1, NOON, RecordKind.FRAME, "binance", b'{"e":"forceOrder"}'),
        JournalRecord(2, NOON + 1, RecordKind.FRAME, "okx", b"x"),
        JournalRecord(3, NOON + 1, RecordKind.BODY, "okx:trades:BTC", b""),
    ]


frames = st.lists(
    st.tuples(
        st.sampled_from(RecordKind),
        st.text(max_size=40),
        st.integers(0, 3),
        st.binary(max_size=300),
        st.booleans(),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(frames, st.integers(1, 2_000))
def test_round_trip(tmp_path_factory, rows, max_bytes):
    """Whatever is appended in whatever batches over however many segments comes back in order."""
    folder = tmp_path_factory.mktemp("journal")
    now, wanted = NOON, []
    with _writer(folder, max_segment_bytes=max_bytes) as journal:
        for kind, source, step, payload, flush in rows:
            now += step
            number = journal.append(kind, source, now, payload)
            wanted.append(JournalRecord(number, now, kind, source, payload))
            if flush:
                journal.write()
    reader = JournalReader(folder)
    assert _records(reader) == wanted
    assert reader.damage == []


def segment_of(count: int) -> tuple[bytes, list[int]]:
    """Return a segment of `count` equal records, and the offset of each."""
    data = journal_format.encode_header(1, NOON, CONTEXT)
    offsets = []
    for number in range(count):
        offsets.append(len(data))
        data += journal_format.encode(RecordKind.FRAME, "binance", NOON, b"frame %03d" % number)
    return data, offsets


DATA, AT = segment_of(10)


def _patched(offset: int, new: bytes) -> bytes:
    return DATA[:offset] + new + DATA[offset + len(new) :]


def _whole(body: bytes) -> bytes:
    return journal_format.frame_head(len(body), crc32(body)) + body


CORRUPTIONS = [
    ("none", DATA, 10, None),
    ("torn payload", DATA[:-1], 9, "torn"),
    ("torn prefix", DATA[: AT[9] + 3], 9, "torn"),
    ("bad crc", _patched(AT[4] + 4, b"\0\0\0\0"), 4, "bad_crc"),
    ("bad content", _patched(AT[6] + 30, b"?"), 6, "bad_crc"),
    ("length too small", _patched(AT[3], b"\x09\0\0\0"), 3, "bad_length"),
    ("length zero", _patched(AT[3], b"\0\0\0\0"), 3, "bad_length"),
    ("length huge", _patched(AT[7], b"\xff\xff\xff\xff"), 7, "bad_length"),
    ("length one too many", _patched(AT[7], bytes([DATA[AT[7]] + 1])), 7, "bad_crc"),
    ("length beyond the end", _patched(AT[8], b"\0\0\1\0"), 8, "torn"),
    ("source longer than the body", DATA[: AT[2]] + _whole(b"\1\xff" + b"\0" * 8) + DATA[AT[2] :], 2, "bad_crc"),
    ("truncated header", DATA[:40], 0, "torn"),
    ("no header", DATA[AT[0] :], 0, "bad_header"),
    ("header of another format", DATA.replace(b'"format":1', b'"format":2', 1), 0, "bad_crc"),
    ("header not JSON", journal_format.encode(0, "", NOON, b"{") + DATA[AT[0] :], 0, "bad_header"),
    ("future format", journal_format.encode(0, "", NOON, b'{"format":9}') + DATA[AT[0] :], 0, "bad_header"),
    ("empty file", b"", 0, "empty"),
    ("garbage tail", DATA + os.urandom(3), 10, "torn"),
    ("garbage tail of zeros", DATA + b"\0" * 4096, 10, "bad_length"),
    ("all garbage", b"\xde\xad\xbe\xef" * 64, 0, "bad_length"),
]


def test_records_of_a_newer_version_are_passed_over(tmp_path):
    """They keep their number, cost their neighbours nothing, and a restart cuts nothing off."""
    path = journal_files.segment_path(tmp_path, 1, NOON)
    path.write_bytes(DATA[: AT[5]] + journal_format.encode(77, "x", NOON, b"what is to come") + DATA[AT[5] :])
    with _writer(tmp_path) as journal:
        assert (journal.damage, journal.last_sequence) == (None, 11)
    reader = JournalReader(tmp_path)
    assert [each.sequence for each in _records(reader)] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
    assert (reader.unknown, reader.damage) == (1, [])


@pytest.mark.parametrize(("content", "intact", "damage"), [each[1:] for each in CORRUPTIONS], ids=[each[0] for each in CORRUPTIONS])  # fmt: skip
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zst"])
def test_damage_keeps_the_intact_prefix(tmp_path, content, intact, damage, packed):
    """A damaged segment gives exactly the records before the damage, before and after the repair."""
    path = journal_files.segment_path(tmp_path, 1, NOON)
    path.write_bytes(content)
    if packed:
        journal_files.compress(path)
    before = JournalReader(tmp_path)
    assert [each.sequence for each in _records(before)] == list(range(1, intact + 1))
    assert [each.reason for each in before.damage] == ([damage] if damage else [])
    with _writer(tmp_path) as journal:
        assert journal.last_sequence == intact
        if not packed:
            assert (journal.damage.reason if journal.damage else None) == damage
        assert journal.append(RecordKind.TICK, "", NOON + 1, b"") == intact + 1
        journal.write()
    after = JournalReader(tmp_path)
    assert [each.sequence for each in _records(after)] == list(range(1, intact + 2))
    if not packed:
        assert after.damage == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_flipped_byte_is_noticed(offset, mask):
    """No single damaged byte yields a record that was not written, and none before it is lost."""
    damaged = bytearray(DATA)
    damaged[offset] ^= mask
    source = iter([bytes(damaged)])
    decoder = SegmentDecoder(lambda _: next(source, b""))
    found = [each.payload for each in decoder.records()]
    assert found == [b"frame %03d" % number for number in range(sum(offset >= at for at in AT[1:]) if offset >= AT[0] else 0)]  # fmt: skip
    assert decoder.damage


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(1, 400), min_size=1), at=st.integers(-3, 30), since_ms=st.integers(NOON - 1, NOON + 30))
def test_batches_hold_the_same_records_however_the_bytes_arrive(sizes, at, since_ms):
    """Within a batch the numbers go on by one; cut in two it is the same, and from a number and a time on."""

    def frame(number: int) -> bytes:
        return journal_format.encode(RecordKind.FRAME, "okx", NOON + number, b"%d" % number)

    later = journal_format.encode(77, "x", NOON + 22, b"what is to come")
    data = b"".join((DATA, journal_format.encode_skip(20, NOON + 20), frame(20), frame(21), later, frame(23)))
    whole = list(SegmentDecoder(BytesIO(data).read).records())
    assert [each.sequence for each in whole] == [*range(1, 11), 20, 21, 23]
    file, turns = BytesIO(data), itertools.cycle(sizes)
    decoder = SegmentDecoder(lambda _: file.read(next(turns)))
    batches = list(decoder.batches())
    assert [each for batch in batches for each in batch.records()] == whole
    assert (decoder.damage, decoder.intact_bytes, decoder.unknown) == (None, len(data), 1)
    for batch in batches:
        before, after = batch.split(at)
        assert [*before.records(), *after.records()] == list(batch.records())
        assert len(before) == min(max(at, 0), len(batch))
        assert after.first == batch.first + len(before)
    wanted = [each for each in whole if each.sequence >= at and each.received_ms >= since_ms]
    later_batches = list(SegmentDecoder(BytesIO(data).read).batches(at, since_ms))
    assert [each for batch in later_batches for each in batch.records()] == wanted
    assert all(later_batches)


def test_damage_in_the_middle_does_not_hide_later_segments(tmp_path):
    """A rotten older segment costs its own tail only."""
    _write_numbers(tmp_path, range(1, 5))
    first = _newest(tmp_path)
    _write_numbers(tmp_path, range(5, 8))
    packed = first.with_name(first.name + ".zst")
    packed.write_bytes(packed.read_bytes()[:-9])
    assert set(_numbers(tmp_path)) >= {5, 6, 7}


def test_a_kill_loses_nothing_that_was_written(tmp_path):
    """SIGKILL right after `write` returned: all records are there, and the numbering goes on."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from ws_alert.messages import RecordKind\n"
        "from ws_alert.sources.journal import JournalWriter\n"
        "journal = JournalWriter(Path(sys.argv[1]), header=lambda: b'{}')\n"
        "for number in range(1, 501):\n"
        "    journal.append(RecordKind.FRAME, 'binance', number, b'frame %d' % number)\n"
        "    journal.write()\n"
        "journal.append(RecordKind.FRAME, 'binance', 501, b'frame 501')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)  # noqa: S603
    assert done.returncode == -signal.SIGKILL
    assert _numbers(tmp_path) == list(range(1, 501))
    with _writer(tmp_path) as journal:
        assert (journal.last_sequence, journal.last_received_ms, journal.damage) == (500, 500, None)


def test_power_cut_leaves_a_gap_that_is_told(tmp_path):
    """A journal shorter than the committed position numbers on after the position."""
    _write_numbers(tmp_path, range(1, 4))
    with _writer(tmp_path, committed=10) as journal:
        assert (journal.gap, journal.last_sequence) == (7, 10)
        assert journal.append(RecordKind.FRAME, "binance", NOON + 11, b"frame 11") == 11
        journal.write()
    assert [each.sequence for each in _records(JournalReader(tmp_path))] == [1, 2, 3, 11]


def test_two_writers_of_one_folder_are_refused(tmp_path):
    """The second would cut the first one's tail."""
    with _writer(tmp_path), pytest.raises(AlreadyRunning, match="JOURNAL_DIR"):
        _writer(tmp_path)
    _writer(tmp_path).close()


@contextlib.contextmanager
def files_limited_to(size: int):
    """Let every write beyond `size` bytes of a file fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit", [0, 10, 700], ids=["first byte", "within the header", "within a record"])
def test_a_full_disk_is_told_and_left_behind(tmp_path, limit):
    """Unwritable records are counted, leave no torn bytes, and later ones keep their numbers."""
    with _writer(tmp_path) as journal:
        with files_limited_to(limit):
            for number in range(1, 4):
                journal.append(RecordKind.FRAME, "binance", NOON, b"frame %d" % number + b" " * 2_000)
                with pytest.raises(JournalUnwritable):
                    journal.write()
        assert journal.lost == 3
        assert journal.append(RecordKind.FRAME, "binance", NOON, b"frame 4") == 4
        journal.write()
    reader = JournalReader(tmp_path)
    assert [(each.sequence, each.payload) for each in _records(reader)] == [(4, b"frame 4")]
    assert reader.damage == []


def test_a_hole_within_a_segment_keeps_the_numbers(tmp_path):
    """What follows a failed write in the same segment is numbered as it was told to the caller."""
    with _writer(tmp_path) as journal:
        for number in (1, 2, 3):
            journal.append(RecordKind.FRAME, "binance", NOON, b"frame %d" % number)
            if number == 2:
                with files_limited_to(100), pytest.raises(JournalUnwritable):
                    journal.write()
            else:
                journal.write()
    assert len(list_segments(tmp_path)) == 1
    assert [(each.sequence, each.payload) for each in _records(JournalReader(tmp_path))] == [
        (1, b"frame 1"),
        (3, b"frame 3"),
    ]
    with _writer(tmp_path) as journal:
        assert journal.last_sequence == 3


def test_a_folder_that_vanished_is_told(tmp_path):
    """A folder that can no longer hold files raises the typed error instead of a crash."""
    folder = tmp_path / "journal"
    journal = _writer(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    journal.append(RecordKind.TICK, "", NOON, b"")
    with pytest.raises(JournalUnwritable, match="No such file"):
        journal.write()
    moved.rename(folder)
    journal.append(RecordKind.TICK, "", NOON, b"")
    journal.write()
    journal.close()
    assert [each.sequence for each in _records(JournalReader(folder))] == [2]


def test_full_segments_are_packed_and_read_as_one(tmp_path):
    """Rotation by size packs the closed segments; nothing is lost or read twice."""
    _write_numbers(tmp_path, range(1, 101), max_segment_bytes=2_000)
    found = list_segments(tmp_path)
    assert len(found) > 3
    assert [each.compressed for each in found[:-1]] == [True] * (len(found) - 1)
    assert _numbers(tmp_path) == list(range(1, 101))


def test_segments_end_with_the_hour(tmp_path):
    """A quiet market rotates too, so that retention by age works."""
    with _writer(tmp_path, max_segment_ms=1_000) as journal:
        for step in (0, 999, 1_000, 1_001):
            journal.append(RecordKind.TICK, "", NOON + step, b"")
            journal.write()
    assert [each.first_sequence for each in list_segments(tmp_path)] == [1, 4]


def test_a_crash_while_packing_leaves_one_whole_segment(tmp_path):
    """A half-made and a doubled segment are cleared at the next opening; records come once."""
    _write_numbers(tmp_path, range(1, 4))
    plain = _newest(tmp_path)
    content = plain.read_bytes()
    plain.with_name(plain.name + ".tmp").write_bytes(b"half")
    journal_files.compress(plain)
    plain.write_bytes(content)
    assert _numbers(tmp_path) == [1, 2, 3]
    _writer(tmp_path).close()
    assert [each.name for each in sorted(tmp_path.iterdir())] == [plain.name + ".zst", "lock"]
    assert _numbers(tmp_path) == [1, 2, 3]


def test_reading_from_a_number_and_from_a_time(tmp_path):
    """A restart reads only what it needs, wherever the segments' borders lie."""
    _write_numbers(tmp_path, range(1, 101), max_segment_bytes=3_000)
    assert 1 < len(list_segments(tmp_path)) < 50
    for start in (1, 2, 37, 50, 99, 100):
        assert _numbers(tmp_path, since=start) == list(range(start, 101))
        assert _numbers(tmp_path, since_ms=NOON + start) == list(range(start, 101))
    assert _numbers(tmp_path, since=101) == []


def test_single_files_are_read_in_their_order(tmp_path):
    """`replay B A` gives A's records first, whatever the files are called."""
    _write_numbers(tmp_path / "a", range(1, 4))
    _write_numbers(tmp_path / "b", range(500, 503))
    one = _newest(tmp_path / "b").rename(tmp_path / "b.bin")
    two = _newest(tmp_path / "a").rename(tmp_path / "a.bin")
    read = []
    reader = JournalReader(one, two, progress=read.append)
    assert [each.payload for each in _records(reader)] == [b"frame %d" % n for n in (1, 2, 3, 500, 501, 502)]
    assert read == [two.stat().st_size, one.stat().st_size]


@pytest.mark.parametrize("content", [b"", b"ts_ms,exchange\n1,binance\n", None])
def test_what_is_no_journal_is_refused_by_name(tmp_path, content):
    """A wrong argument names the file and the reason."""
    path = tmp_path / "tape.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"tape\.csv"):
        JournalReader(path)


def _sized(*first_ms: int) -> list[tuple[Segment, int]]:
    return [(Segment(index * 10 + 1, ms, Path(str(index))), 100) for index, ms in enumerate(first_ms)]


@pytest.mark.parametrize(
    ("keep_bytes", "oldest_ms", "needed", "gone"),
    [
        (1_000, 0, 41, 0),
        (300, 0, 41, 2),
        (0, 0, 41, 3),
        (1_000, 2_000, 41, 1),
        (1_000, 2_001, 41, 2),
        (0, 9_999, 21, 1),
        (0, 9_999, 0, 0),
    ],
    ids=["all fits", "by size", "newest and warm-up stay", "by age", "age is strict", "position", "nothing committed"],
)  # fmt: skip
def test_what_may_be_removed(keep_bytes, oldest_ms, needed, gone):
    """Size and age remove the oldest, never what the committed position still needs."""
    segments = _sized(0, 1_000, 2_000, 3_000, 4_000)
    chosen = prunable(
        segments, keep_bytes=keep_bytes, oldest_ms=oldest_ms, needed_sequence=needed, warm_up_ms=500
    )
    assert [segment.first_sequence for segment in chosen] == [index * 10 + 1 for index in range(gone)]


def test_retention_keeps_the_warm_up(tmp_path):
    """On disk, too: old segments go once the position has moved on, and never before."""
    minute = 60_000
    with _writer(tmp_path, max_segment_bytes=1, keep_bytes=0) as journal:
        for number in range(1, 21):
            journal.append(RecordKind.FRAME, "binance", NOON + number * minute, b"frame %d" % number)
            journal.write()
    assert _numbers(tmp_path) == list(range(1, 21))
    with _writer(tmp_path, max_segment_bytes=1, keep_bytes=0, committed=20) as journal:
        journal.append(RecordKind.FRAME, "binance", NOON + 21 * minute, b"frame 21")
        journal.write()
    assert _numbers(tmp_path) == list(range(12, 22))


def test_written_records_reach_the_disk(tmp_path, monkeypatch):
    """A thread syncs soon after each write, and again after the next."""
    synced = threading.Semaphore(0)
    real = os.fdatasync

    def counting(fd: int) -> None:
        real(fd)
        synced.release()

    monkeypatch.setattr(os, "fdatasync", counting)
    with _writer(tmp_path, sync_every_s=0.001) as journal:
        for number in range(3):
            journal.append(RecordKind.TICK, "", NOON + number, b"")
            journal.write()
            assert synced.acquire(timeout=10)
