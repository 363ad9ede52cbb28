"""What recorded files teach: the assets' own normals, as if the service had been there."""

from __future__ import annotations

import csv
import statistics

import pytest

from teleglas.baselines import StoredBaselines
from teleglas.errors import InputError
from teleglas.storage.opening import lock_store
from teleglas.storage.store import open_store
from tests.storage.rows import commit
from ws_alert.alert_engine import AlertEngine
from ws_alert.alert_runner import main
from ws_alert.learning import learn
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.interest_files import parse
from ws_alert.sources.replay import feed
from ws_alert.sources.tapes import Tapes

MINUTE = 60_000
START_MS = 1_790_000_040_000
"""A whole UTC minute."""

NOW_MS = START_MS + 1_000 * MINUTE


def amount(minute):
    """Return the taker volume of a minute in USD: another one each, none in each seventh."""
    return 0.0 if minute % 7 == 5 else 20_000.0 + 37.24 * (minute * 53 % 101)


def tape(path, first, minutes, *, start_ms=START_MS, amounts=amount):
    """Write the trades of some minutes, two in each that has any; return the file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ts_ms", "exchange", "symbol", "side", "price", "qty", "usd"])
        for minute in range(first, first + minutes):
            for at_ms, side in ((7_000, "buy"), (41_000, "sell")):
                usd = amounts(minute) / 2
                if usd:
                    row = (
                        start_ms + minute * MINUTE + at_ms,
                        "binance",
                        "OPUSDT",
                        side,
                        "2.0",
                        "1",
                        f"{usd:.2f}",
                    )
                    writer.writerow(row)
    return path


@pytest.fixture
def store(tmp_path):
    """Return an empty database."""
    found = open_store(f"sqlite:///{tmp_path}/alert.db")
    yield found
    found.close()


def teach(store, *trades, interest=(), now_ms=NOW_MS):
    """Learn from files with the default rules."""
    return learn(store, Rules(), liquidations=(), trades=trades, interest=interest, now_ms=now_ms)


def remembering(store):
    """Return an engine that starts with this database."""
    engine = AlertEngine(Rules(), decoders({}), ["1"])
    engine.remember(store.load_baselines())
    return engine


def starts(engine, file):
    """Feed a file; return the kinds of the episodes that began."""
    for row in Tapes((), [file], engine.intake.refuse).rows():
        feed(engine, row)
    engine.advance(engine.now_ms + 2_000)
    return [phase.kind.value for phase in engine.phases if phase.phase == "start"]


def test_the_median_is_that_of_the_whole_minutes_of_the_file(store, tmp_path) -> None:
    """To the cent; minutes without a trade count as zero, the last one, which may have gone on, does not."""
    teach(store, tape(tmp_path / "a.csv", 0, 400))
    found = remembering(store).baselines.median("OP")
    assert (found.usd, found.minutes) == (round(statistics.median(map(amount, range(399))) * 100), 399)


@pytest.mark.parametrize(("minutes", "told"), [(361, ["volume_spike"]), (360, [])])
def test_a_spike_is_found_in_the_first_minute_after_six_hours_were_learned(
    store, tmp_path, minutes, told
) -> None:
    """Six hours are 360 closed minutes; with one less it is not judged, and without the files neither."""
    spike = tape(tmp_path / "b.csv", minutes, 1, amounts=lambda _: 1_300_000.0)
    assert "volume_spike" not in starts(AlertEngine(Rules(), decoders({}), ["1"]), spike)
    teach(store, tape(tmp_path / "a.csv", 0, minutes))
    found = starts(remembering(store), spike)
    assert [kind for kind in found if kind == "volume_spike"] == told


def test_a_file_is_learned_once_and_a_later_one_goes_on(store, tmp_path) -> None:
    """What the database has is left as it is; two files in two runs are as one."""
    first, whole = tape(tmp_path / "a.csv", 0, 301), tape(tmp_path / "b.csv", 0, 501)
    assert teach(store, first).minutes == 300
    known = store.load_baselines()
    assert teach(store, first).minutes == 0
    assert store.load_baselines() == known
    assert teach(store, whole).minutes == 200
    assert remembering(store).baselines.median("OP").minutes == 500
    assert teach(store, tape(tmp_path / "old.csv", -900, 50)).minutes == 0


def test_open_interest_is_known_at_the_start(store, tmp_path) -> None:
    """A venue's open interest of a quarter of an hour ago is what the first poll is compared with."""
    path = tmp_path / "oi.csv"
    rows = [
        f"{START_MS + minute * MINUTE},{venue},OPUSDT,{1_000_000 + minute}"
        for minute in range(30)
        for venue in ("okx", "bybit")
    ]
    path.write_text("ts_ms,exchange,symbol,oi_usd\n" + "\n".join(rows) + "\n", encoding="utf-8")
    teach(store, tape(tmp_path / "a.csv", 0, 31), interest=[parse(str(path))])
    known = remembering(store).intake.interest.of("OP")
    changes = known.changes(START_MS + 14 * MINUTE, START_MS)
    assert changes == dict.fromkeys(("okx", "bybit"), (100_001_400, 100_002_900))


def test_files_without_trades_do_not_teach_that_nothing_was_traded(store, tmp_path) -> None:
    """Neither of the coins that they name nor of those that the database knows."""
    teach(store, tape(tmp_path / "a.csv", 0, 400))
    before = remembering(store).baselines.median("OP")
    path = tmp_path / "oi.csv"
    rows = [
        f"{START_MS + minute * MINUTE},okx,{coin},1000000"
        for minute in range(400, 900)
        for coin in ("OPUSDT", "TIAUSDT")
    ]
    path.write_text("ts_ms,exchange,symbol,oi_usd\n" + "\n".join(rows) + "\n", encoding="utf-8")
    forced = tmp_path / "l.csv"
    rows = [f"{START_MS + minute * MINUTE},okx,SUIUSDT,long,2.0,1,50000" for minute in range(400, 900)]
    forced.write_text("ts_ms,exchange,symbol,side,price,qty,usd\n" + "\n".join(rows) + "\n", encoding="utf-8")
    learn(store, Rules(), liquidations=[forced], trades=(), interest=[parse(str(path))], now_ms=NOW_MS)
    known = remembering(store)
    assert known.baselines.median("OP") == before
    assert known.baselines.median("SUI") is None
    assert known.intake.interest.of("TIA").changes(START_MS + 884 * MINUTE, START_MS + 870 * MINUTE)


def test_trades_that_leave_out_a_known_coin_are_refused_whole(store, tmp_path) -> None:
    """They would teach that it was not traded, and every minute above the floor would be a spike of it."""
    teach(store, tape(tmp_path / "a.csv", 0, 400))
    known = store.load_baselines()
    other = tmp_path / "b.csv"
    other.write_text(tape(tmp_path / "c.csv", 0, 500).read_text().replace("OPUSDT", "BTCUSDT"))
    with pytest.raises(InputError, match="no trade of OP, which the database knows"):
        teach(store, other)
    assert store.load_baselines() == known


def test_memory_and_position_of_the_service_stay(store, tmp_path) -> None:
    """Learning between two runs touches neither what was decided nor where deciding goes on."""
    store.commit(commit(memory=b"episodes", position=77))
    teach(store, tape(tmp_path / "a.csv", 0, 60))
    assert store.load_memory() == (b"episodes", 77)


def test_a_file_from_the_future_is_refused_whole(store, tmp_path) -> None:
    """The line is named and nothing is stored: the service could not add its own minutes until then."""
    path = tape(tmp_path / "a.csv", 0, 50)
    with pytest.raises(InputError, match=r"a\.csv, line 72: it lies in the future"):
        teach(store, path, now_ms=START_MS + 40 * MINUTE)
    assert store.load_baselines() == StoredBaselines()


def test_the_command_learns_into_the_database_and_never_beside_a_service(
    tmp_path, monkeypatch, capsys
) -> None:
    """It says how much; while the database is in use it ends with 75, without a file with 2."""
    url = f"sqlite:///{tmp_path}/alert.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    path = tape(tmp_path / "a.csv", 0, 100)
    assert main(["learn", "--trades", str(path)]) == 0
    assert "learned: 99 min of 172 rows; refused: none" in capsys.readouterr().out
    held = lock_store(url)
    assert main(["learn", "--trades", str(path)]) == 75
    held.release()
    assert main(["learn"]) == 2
