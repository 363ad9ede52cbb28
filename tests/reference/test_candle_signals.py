"""Every confluence on recorded months is the one that an independent slow computation finds."""

from __future__ import annotations

import csv
import gzip
import json
from math import isclose, isnan
from pathlib import Path

import pytest

from tests.reference.candle_signals import Row, signals
from ws_alert.rules import Rules, ScannerRules
from ws_alert.sources.candle_files import parse
from ws_alert.sources.replay import replay

FILES = {
    "binance-usdm_BTCUSDT_1m_20250504-20250624": "1m",
    "binance-usdm_BTCUSDT_5m_20250704-20251231": "5m",
    "ftx_BTC-PERP_1m_20211231-20220201": "1m",
}
LENGTH = {"1m": 60_000, "5m": 300_000}


def _rows(path: Path, most: int) -> list[Row]:
    with gzip.open(path, "rt") as text:
        table = csv.DictReader(text)
        names = ("open", "high", "low", "close", "volume")
        return [
            (int(row["open_ts_ms"]), *(float(row[name]) for name in names))
            for row, _ in zip(table, range(most), strict=False)
        ]


def _write(path: Path, rows: list[Row]) -> Path:
    lines = ["open_ts_ms,open,high,low,close,volume"]
    lines += [",".join(map(repr, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("mode", ["strict", "scored"])
@pytest.mark.parametrize("name", FILES)
def test_signals_on_recorded_months_are_those_of_the_reference(shared, tmp_path, name, mode):
    """One by one, in order: moment, direction, levels, and whether the duplicate rule let it pass."""
    timeframe = FILES[name]
    rows = _rows(shared / "data/klines" / f"{name}.csv.gz", 12_000)
    file = parse(f"BTCUSDT:{timeframe}={_write(tmp_path / 'candles.csv', rows)}")
    out = tmp_path / "out.jsonl"
    rules = Rules(scanner=ScannerRules(mode=mode))
    replay(journals=(), liquidations=(), trades=(), candles=[file], out=out, findings=None, rules=rules)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    judged = [line for line in lines if line["action"] in {"hold", "drop"}]
    expected = signals(rows, LENGTH[timeframe], strict=mode == "strict")
    assert len(expected) > 20
    assert [(line["event_ms"], line["direction"], line["action"] == "hold") for line in judged] == [
        (each.event_ms, each.direction, each.sent) for each in expected
    ]
    for line, each in zip(judged, expected, strict=True):
        assert line["confidence"] == each.confidence
        for figure in ("entry", "stop", "target", "atr", "rsi", "vwap"):
            told, wanted = line[figure], getattr(each, figure)
            assert isclose(told, wanted, rel_tol=1e-9) if told is not None else isnan(wanted), figure
    told = [line["event_ms"] for line in lines if line["action"] == "send"]
    assert told == [each.event_ms for each in expected if each.sent]
