"""Recorded funding and open interest through the replay: the same episodes as a computation of its own finds."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

from teleglas.errors import InputError
from ws_alert.rules import Rules
from ws_alert.sources.interest_files import parse
from ws_alert.sources.replay import Summary, replay

MINUTE, HOUR = 60_000, 3_600_000
FUNDING = "funding/multi-venue_1h-8h_202503-202603.csv.gz"
INTEREST = "oi/binance-usdm_{}USDT_5m_20251201-20260611.csv.gz"
T = 1_790_000_000_000


class Episode(NamedTuple):
    """One line of a start with the last event of its end."""

    asset: str
    direction: str
    start_ms: int
    usd: float
    count: int
    venues: tuple[str, ...]
    last_ms: int


def run(
    tmp_path: Path, rules: Rules | None = None, *, funding=(), interest=()
) -> tuple[Summary, list[dict], list[dict]]:
    """Replay the files; return the summary, the findings and the decisions."""
    out, found = tmp_path / "out.jsonl", tmp_path / "found.jsonl"
    summary = replay(
        journals=(), liquidations=(), trades=(), funding=[parse(str(each)) for each in funding],
        interest=[parse(str(each)) for each in interest], out=out, findings=found, rules=rules,
    )  # fmt: skip
    return summary, *([json.loads(line) for line in path.read_text().splitlines()] for path in (found, out))


def episodes(found: list[dict]) -> list[Episode]:
    """Return the starts with their ends, in order of the ends."""
    starts = {
        (row["kind"], row["asset"], row["direction"], row["episode_ms"]): row
        for row in found
        if row["phase"] == "start"
    }
    ends = [row for row in found if row["phase"] == "end"]
    assert len(starts) == len(ends)
    return [
        Episode(end["asset"], end["direction"], end["episode_ms"], start["usd"], start["count"],
                tuple(sorted(start["venues"])), end["event_ms"])
        for end in ends
        for start in [starts[end["kind"], end["asset"], end["direction"], end["episode_ms"]]]
    ]  # fmt: skip


class _Level:
    """An episode by the words of SEMANTICS 9: it ends when the measure has been below 80 % for a minute."""

    def __init__(self) -> None:
        self.start: tuple | None = None
        self.ends_ms: int | None = None
        self.last_ms = 0
        self.closed: list[Episode] = []

    def pass_until(self, now: int) -> None:
        """Let the time come up to `now`."""
        if self.start is not None and self.ends_ms is not None and self.ends_ms <= now:
            self.closed.append(Episode(*self.start, self.last_ms))
            self.start = self.ends_ms = None

    def measure(self, now: int, multiple: Fraction, start: tuple, event_ms: int) -> None:
        """Take what is measured now; event_ms: 0 where nothing was told."""
        if multiple >= 1 and event_ms:
            self.start = self.start or start
            self.ends_ms, self.last_ms = None, event_ms
        elif self.start is not None:
            if multiple >= Fraction(4, 5):
                self.ends_ms = None
            elif self.ends_ms is None:
                self.ends_ms = now + MINUTE


def _minutes(after: int, until: int) -> Iterator[int]:
    yield from range(after // MINUTE * MINUTE + MINUTE, until + 1, MINUTE)


# -- funding -------------------------------------------------------------------------------


def funding_rows(path: Path) -> Iterator[tuple[int, str, str, Fraction, int]]:
    """Return (time, venue, coin, percent per 8 hours, ms between rows) of rows whose interval is known."""
    last: dict[tuple[str, str], int] = {}
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file)):
            key, at = (row["venue"], row["coin"]), int(row["ts_ms"])
            hours = round((at - last[key]) / HOUR) if key in last else 0
            last[key] = at
            if 0 < hours <= 24:
                percent = Fraction(Decimal(repr(float(row["funding_rate"])))) * 100 * 8 / hours
                rows.append((at, line, *key, percent, hours * HOUR))
    for at, _, venue, coin, percent, every in sorted(rows):
        yield at, venue, coin, percent, every


def funding_by_hand(path: Path, threshold: Fraction) -> list[Episode]:
    """Find the episodes of one threshold, asset by asset, with no window but the newest rows themselves."""
    rows = list(funding_rows(path))
    found = []
    for coin in sorted({row[2] for row in rows}):
        for direction, sign in (("long", 1), ("short", -1)):
            level, newest, before = _Level(), {}, 0

            def measure(
                now: int, event_ms: int, newest=newest, level=level, sign=sign, coin=coin, direction=direction
            ) -> None:
                holding = {
                    venue: percent * sign
                    for venue, (at, percent, every) in newest.items()
                    if now - at <= 3 * every
                }
                over = sorted(venue for venue, percent in holding.items() if percent >= threshold)
                top = max(holding.values(), default=Fraction(0)) / threshold
                level.measure(now, top, (coin, direction, event_ms, 0.0, len(over), tuple(over)), event_ms)

            def until(now: int, newest=newest, level=level, measure=measure, before=lambda: before) -> None:
                # between two rows the measure changes only where a rate ceases to hold: seen at the next full minute
                ceased = {(at + 3 * every) // MINUTE * MINUTE + MINUTE for at, _, every in newest.values()}
                for minute in sorted(each for each in ceased if before() < each <= now):
                    level.pass_until(minute)
                    measure(minute, 0)
                level.pass_until(now)

            for at, venue, its_coin, percent, every in rows:
                if its_coin == coin:
                    until(at)
                    newest[venue] = (at, percent, every)
                    measure(at, at)
                    before = at
            until(before + 4 * 24 * HOUR)
            found += level.closed
    return found


def test_recorded_funding(shared, tmp_path) -> None:
    """Half a year of several venues with rates of one and eight hours: every episode, to the millisecond."""
    percent = 0.05
    rules = Rules.model_validate({"thresholds": {"funding_extreme": {"percent": percent}}})
    path = shared / "data" / FUNDING
    summary, found, decisions = run(tmp_path, rules, funding=[path])
    expected = funding_by_hand(path, Fraction(Decimal(repr(percent))))
    assert sorted(episodes(found)) == sorted(expected)
    assert len(expected) > 400
    assert {one.direction for one in expected} == {"long", "short"}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = sum(1 for _ in file) - 1
    assert summary.inputs == sum(1 for _ in funding_rows(path)) == lines - summary.refused["unknown_interval"]
    sends = [row for row in decisions if row["action"] == "send"]
    assert {row["kind"] for row in sends} == {"funding_extreme"}
    told = {(row["asset"], row["direction"], row["episode_ms"]) for row in sends}
    assert len(told) == len(sends)  # once per episode
    assert told <= {one[:3] for one in expected}


def test_recorded_funding_of_one_venue(shared, tmp_path) -> None:
    """A file without a venue is named with it; at the usual threshold these months had no extreme."""
    path = shared / "data" / "funding/binance-usdm_5sym_8h_20251201-20260531.csv.gz"
    with pytest.raises(
        InputError, match="no column exchange: name the venue before the file, as in binance="
    ):
        run(tmp_path, funding=[path])
    summary, found, _ = run(tmp_path, funding=[f"binance={path}"])
    assert (found, summary.inputs, summary.refused) == ([], 925, {"unknown_interval": 5})


@pytest.mark.parametrize(
    "name",
    [
        "funding/binance-usdm_8sym_1d_2022-2023.csv.gz",
        "funding/coinglass_top-coins_funding_oi_weight_1d.csv.gz",
    ],
)
def test_rates_of_another_unit_are_not_taken_for_rates(shared, tmp_path, name) -> None:
    """Annualised percent and daily means have other columns, and are refused by them."""
    with pytest.raises(InputError, match="line 1: no column ts_ms"):
        run(tmp_path, funding=[f"x={shared / 'data' / name}"])


# -- open interest -------------------------------------------------------------------------


def write_venues(shared: Path, tmp_path: Path, limit: int) -> tuple[Path, list[tuple[int, str, int]]]:
    """Write recorded open interest of three coins as one coin's on three venues: real moves that differ."""
    rows = []
    for place, (venue, coin) in enumerate((("a", "BTC"), ("b", "ETH"), ("c", "SOL"))):
        with gzip.open(shared / "data" / INTEREST.format(coin), "rt", encoding="utf-8") as file:
            for _, row in zip(range(limit), csv.DictReader(file), strict=False):
                rows.append((int(row["ts_ms"]) + place, venue, row["oi_usd"]))
    rows.sort()
    path = tmp_path / "oi.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("ts_ms", "exchange", "symbol", "oi_usd"))
        writer.writerows((at, venue, "XUSDT", usd) for at, venue, usd in rows)
    return path, [(at, venue, int(Decimal(usd) * 100)) for at, venue, usd in rows]


def best_split(told: list[tuple[int, str, int]], now: int) -> tuple[Fraction, float, tuple[str, ...]]:
    """Return the best venue's multiple and rise in USD, and the venues compared, looking through all samples."""
    newest, change = told[-1][0], {}
    for venue in "abc" if newest >= now - 30 * MINUTE else "":
        mine = [(at, usd) for at, its, usd in told if its == venue]
        start = [usd for at, usd in mine if newest - 25 * MINUTE <= at <= newest - 15 * MINUTE]
        end = [usd for at, usd in mine if at >= newest - 10 * MINUTE]
        if start and end:
            change[venue] = (start[-1], end[-1])
    best, rise = Fraction(0), 0.0
    for venue, (was, now_usd) in change.items():
        others = [pair for name, pair in change.items() if name != venue]
        if others:
            total = sum(pair[0] for pair in others)
            fall = Fraction(total - sum(pair[1] for pair in others), total) / Fraction("0.005")
            multiple = min(Fraction(now_usd - was, was) / Fraction("0.015"), fall)
            if multiple > best:
                best, rise = multiple, (now_usd - was) / 100
    return best, rise, tuple(sorted(change))


def divergence_by_hand(rows: list[tuple[int, str, int]]) -> list[Episode]:
    """Find the episodes of one asset on the venues a, b and c."""
    level, told, before = _Level(), [], 0

    def measure(now: int, event_ms: int) -> None:
        best, rise, venues = best_split(told, now)
        level.measure(now, best, ("X", "neutral", event_ms, rise, len(venues), venues), event_ms)

    for at, venue, usd in rows:
        for minute in _minutes(before, at) if level.start else ():
            level.pass_until(minute)
            if level.start is None:
                break
            measure(minute, 0)
        level.pass_until(at)
        told = [row for row in told if row[0] >= at - 45 * MINUTE]
        told.append((at, venue, usd))
        measure(at, at)
        before = at
    for minute in _minutes(before, before + 40 * MINUTE):
        level.pass_until(minute)
        if level.start is not None:
            measure(minute, 0)
    return level.closed


def test_recorded_open_interest(shared, tmp_path) -> None:
    """Twenty days of three series: every divergence, its rise to the cent."""
    path, rows = write_venues(shared, tmp_path, 6_000)
    summary, found, decisions = run(tmp_path, interest=[path])
    expected = divergence_by_hand(rows)
    assert episodes(found) == expected
    assert len(expected) == 5
    assert summary.inputs == len(rows)
    assert {row["reason"] for row in decisions if row["action"] == "send"} <= {"first", "urgent"}


# -- files of every wrong kind -------------------------------------------------------------

RATES, USD = "ts_ms,exchange,symbol,rate", "ts_ms,exchange,symbol,oi_usd"


@pytest.mark.parametrize(
    ("option", "text", "reason"),
    [
        ("funding", "", "line 1: the file is empty"),
        ("funding", "ts_ms,exchange,symbol,price\n", "line 1: no column rate (or funding_rate)"),
        ("funding", "exchange,symbol,rate\n", "line 1: no column ts_ms"),
        ("funding", f"{RATES},rate\n", "line 1: column rate stands there twice"),
        ("funding", "ts_ms,symbol,rate\n", "line 1: no column exchange: name the venue before the file"),
        ("funding", f"{RATES}\n1,b,BTC,cheap\n", "line 2: could not convert string to float: 'cheap'"),
        ("funding", f"{RATES}\nsoon,b,BTC,0.1\n", "line 2: invalid literal for int"),
        ("funding", f"{RATES},interval_h\n1,b,BTC,0.1,often\n", "line 2: could not convert"),
        ("funding", f"{RATES}\n1,b,BTC\n", "line 2: fewer columns than its first line"),
        ("interest", "ts_ms,exchange,symbol,oi\n", "line 1: no column oi_usd; a column oi counts coins"),
        ("interest", f"{USD}\n1,b,BTC,much\n", "line 2: could not convert"),
    ],
)
def test_what_is_no_such_file_is_named(tmp_path, option, text, reason) -> None:
    """File, line and reason."""
    path = tmp_path / "level.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        run(tmp_path, **{option: [path]})
    assert f"level.csv, {reason}" in str(raised.value)


@pytest.mark.parametrize("kind", ["missing", "truncated"])
def test_what_breaks_off_is_no_shorter_file(tmp_path, kind) -> None:
    """A packed file that was cut is refused whole."""
    path = tmp_path / "level.csv.gz"
    if kind == "truncated":
        path.write_bytes(gzip.compress(f"{USD}\n{'1,b,BTC,5' * 900}".encode())[:-9])
    with pytest.raises(InputError, match=r"level\.csv\.gz, line \d+: \w"):
        run(tmp_path, interest=[path])


def test_a_venue_is_told_once(tmp_path) -> None:
    """In the file or before it; a name with an equals sign is a file if there is one."""
    path = tmp_path / "b=c.csv"
    path.write_text(f"{RATES},interval_h\n{T},okx,BTC-USDT-SWAP,0.01,8\n", encoding="utf-8")
    assert len(run(tmp_path, funding=[path])[1]) == 2
    with pytest.raises(InputError, match="its own column tells the venue: name the file without binance="):
        run(tmp_path, funding=[f"binance={path}"])


def test_rows_that_no_market_has_cost_no_others(tmp_path) -> None:
    """Counted by reason: no number, no coin, no interval, an absurd amount; the rows around them are judged."""
    good = f"{T},binance,BTCUSDT,0.001,8"
    rates = [good, f"{T},binance,ETHUSDT,,8", f"{T},binance,ETHUSDT,nan,8", f"{T},binance,ETHUSDT,1,8",
             f"{T},binance,ETHBTC,0.01,8", f"{T},binance,ETHUSDT,0.01,", f"{T},binance,ETHUSDT,0.01,48",
             "-1,binance,ETHUSDT,0.01,8", f"{T},,ETHUSDT,0.01,8", "", f"{T},okx,SOL-USDT-SWAP,-0.0005,4"]  # fmt: skip
    path = tmp_path / "rates.csv"
    path.write_text("\n".join([f"{RATES},interval_h", *rates]), encoding="utf-8")
    summary, found, _ = run(tmp_path, funding=[path])
    assert summary.refused == {"bad_number": 4, "unknown_symbol": 2, "unknown_interval": 2}
    assert [(row["asset"], row["direction"]) for row in found if row["phase"] == "start"] == [
        ("BTC", "long"),
        ("SOL", "short"),
    ]
    path.write_text(
        "\n".join([USD, f"{T},a,BTC,", f"{T},a,BTC,-1", f"{T},a,BTC,1e15", f"{T},a,BTC,0"]), encoding="utf-8"
    )
    assert run(tmp_path, interest=[path])[0].refused == {"bad_number": 2, "absurd_amount": 1}


def test_without_an_interval_it_is_the_time_since_the_row_before(tmp_path) -> None:
    """In whole hours: the first row of a contract, and one after a gap of more than a day, are not judged."""
    rows = [
        (0, "0.01"),
        (HOUR + 4, "0.000125"),
        (3 * HOUR, "0.00025"),
        (30 * HOUR, "0.01"),
        (30 * HOUR + 9, "0.01"),
        (38 * HOUR, "0.001"),
    ]
    path = tmp_path / "rates.csv"
    path.write_text(
        "\n".join(["ts_ms,venue,coin,funding_rate", *(f"{T + at},v,BTC,{rate}" for at, rate in rows)])
    )
    summary, found, _ = run(tmp_path, funding=[path])
    assert summary.refused == {"unknown_interval": 3}
    starts = [row["episode_ms"] - T for row in found if row["phase"] == "start"]
    assert starts == [HOUR + 4, 38 * HOUR]


def test_rows_of_one_time_come_after_what_happened_then(tmp_path) -> None:
    """Liquidations, trades, candles, funding, open interest (SEMANTICS 2): funding is weighed by what was known before."""
    rates = tmp_path / "rates.csv"
    rates.write_text(f"{RATES},interval_h\n{T},v,BTC,0.001,8\n", encoding="utf-8")
    held = tmp_path / "held.csv"
    for earlier, usd in ((0, 0.0), (1, 5.25)):
        held.write_text(f"{USD}\n{T - earlier},v,BTC,5.25\n", encoding="utf-8")
        _, found, _ = run(tmp_path, funding=[rates], interest=[held])
        assert (found[0]["usd"], found[0]["venues"]) == (usd, {"v": usd})
