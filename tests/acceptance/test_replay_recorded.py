"""Recorded tapes: what the replay finds and decides agrees line by line with an independent computation."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.reference.replayed import Lines, by_engine, by_reference, same, write_tape
from ws_alert.rules import Rules

LIQUIDATIONS = "liquidations/binance-usdm_ALL_20251130-20251201.csv.gz"
SHOCK = "trades/binance-usdm_BTCUSDT_20240328_002022_priceshock.csv.gz"
TRADES = [
    SHOCK,
    "trades/binance-usdm_BTCUSDT_20240808.csv.gz",
    "trades/binance-usdm_ETHUSDT_20240808.csv.gz",
    "trades/binance-coinm_BTCUSD_PERP_20240808.csv.gz",
    "trades/binance-coinm_ETHUSD_PERP_20240809.csv.gz",
    "trades/binance-spot_BTCUSDT_20240809.csv.gz",
    "trades/hyperliquid_ALL_20251027T1700.csv.gz",
]
LARGE = [
    "trades/binance-coinm_DOTUSD_PERP_20251010.csv.gz",
    "trades/binance-coinm_UNIUSD_PERP_20251010.csv.gz",
    "trades/binance-spot_BTCUSDC_20251004.csv.gz",
    "trades/coinbase_ADA-USD_20251010.csv.gz",
]


def lowered(*, radar: bool = True) -> Rules:
    """Return thresholds that an ordinary hour reaches often."""
    return Rules.model_validate({
        "thresholds": {
            "large_liquidation": dict.fromkeys(("majors_usd", "large_cap_usd", "mid_cap_usd"), 5_000),
            "whale_trade": dict.fromkeys(("majors_usd", "large_cap_usd", "mid_cap_usd"), 60_000),
            "liquidation_storm": dict.fromkeys(("majors_usd", "large_cap_usd", "mid_cap_usd"), 5_000),
            "whale_cluster": {
                **dict.fromkeys(("majors_usd", "large_cap_usd", "mid_cap_usd"), 50_000),
                "floor_btc_eth_usd": 20_000, "floor_usd": 5_000,
            },
        },
        "radar": {"enabled": radar},
    })  # fmt: skip


def compared(rules: Rules, folder: Path, liquidations: list[Path], trades: list[Path]) -> Lines:
    """Return what the engine wrote after it proved equal to the reference."""
    engine = by_engine(rules, folder, liquidations, trades)
    same(engine, by_reference(rules, liquidations, trades))
    return engine


@pytest.mark.parametrize("rules", [Rules(), lowered()], ids=["default", "lowered"])
def test_a_day_of_liquidations(shared: Path, tmp_path: Path, rules: Rules) -> None:
    """Storms and large liquidations of a recorded day agree at default and at lowered thresholds."""
    lines = compared(rules, tmp_path, [shared / "data" / LIQUIDATIONS], [])
    assert bool(lines.phases) == (rules != Rules())


@pytest.mark.parametrize("name", TRADES)
@pytest.mark.parametrize("rules", [Rules(), lowered()], ids=["default", "lowered"])
def test_recorded_trades(shared: Path, tmp_path: Path, name: str, rules: Rules) -> None:
    """Clusters and whale trades of each short tape agree at default and at lowered thresholds."""
    compared(rules, tmp_path, [], [shared / "data" / name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_recorded_days_of_trades(shared: Path, tmp_path: Path, name: str) -> None:
    """Tapes of hundreds of thousands of trades agree at default thresholds."""
    compared(Rules(), tmp_path, [], [shared / "data" / name])


@pytest.mark.parametrize("radar", [True, False], ids=["radar", "parts"])
@pytest.mark.parametrize("hundredths", [1, 2])
def test_liquidations_within_a_price_shock(
    shared: Path, tmp_path: Path, radar: bool, hundredths: int
) -> None:
    """Storm, cluster and radar at once: liquidations of another coin are laid over a recorded shock.

    No recorded hour holds both; times and coins are moved, amounts and gaps are as recorded.
    """
    data = shared / "data"
    forced = _moved(data / LIQUIDATIONS, start_ms=_rows(data / SHOCK)[0]["ts_ms"], hundredths=hundredths)
    tape = write_tape(tmp_path / "liquidations.csv", forced)
    rules = Rules.model_validate({
        "thresholds": {
            "liquidation_storm": {"majors_usd": 5_000, "large_cap_usd": 5_000, "mid_cap_usd": 5_000},
            "whale_cluster": {"majors_usd": 1_000_000, "large_cap_usd": 500_000, "mid_cap_usd": 500_000},
        },
        "radar": {"enabled": radar},
    })  # fmt: skip
    lines = compared(rules, tmp_path, [tape], [data / SHOCK])
    kinds = Counter(phase.kind for phase in lines.phases if phase.phase == "start")
    assert kinds["liquidation_storm"]
    assert kinds["whale_cluster"]
    assert bool(kinds["global_radar"]) == radar


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [{**row, "ts_ms": int(row["ts_ms"])} for row in csv.DictReader(file)]


def _moved(path: Path, *, start_ms: int, hundredths: int) -> list[tuple[int, str, str, str, float, str]]:
    """Return the rows with their gaps cut to so many hundredths, as liquidations of BTC from `start_ms` on."""
    rows = _rows(path)
    first = rows[0]["ts_ms"]
    return [
        (start_ms + (row["ts_ms"] - first) * hundredths // 100, row["exchange"], "BTCUSDT", row["side"],
         float(row["price"]), row["usd"])
        for row in rows
    ]  # fmt: skip
