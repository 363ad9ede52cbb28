"""Dense made-up tapes on the edges of the rules: ties, window borders, thresholds to the cent."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from ws_alert.rules import Rules

__all__ = ["START_MS", "Past", "pasts", "rules", "tapes"]

START_MS = 1_700_000_000_000

_STEPS = [0, 0, 1, 200, 999, 1000, 1999, 2000, 2001, 3000, 5000, 10_000, 28_000, 29_999, 30_000, 30_001,
          59_999, 60_000, 298_000, 299_999, 300_000, 300_001, 600_000]  # fmt: skip
_LATE = [0, 0, 0, 0, 0, 0, 1, 500, 2000, 29_999, 30_000, 30_001, 59_999, 60_000, 60_001]
_FORCED = ["499999.99", "499999.995", "500000", "999999.99", "1000000", "2000000", "4000000", "8000000", "300000",
           "1234567.885", "250000.01", "0.005", "100000", "40000000"]  # fmt: skip
_ORDERS = ["99999.99", "99999.995", "100000", "999999.99", "1000000", "1500000", "3000000", "6000000", "12000000",
           "300000", "10000", "9999.994", "500000", "0.01", "48000000"]  # fmt: skip
_SYMBOLS = {"BTC": ["BTCUSDT", "XBT-USD"], "SOL": ["SOLUSDT"], "PEPE": ["1000PEPEUSDT", "kPEPE"]}

_event = st.tuples(
    st.booleans(),
    st.sampled_from(_STEPS),
    st.sampled_from(_LATE),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["BTC"] * 5 + ["SOL", "PEPE"]).flatmap(lambda asset: st.sampled_from(_SYMBOLS[asset])),
    st.booleans(),
    st.integers(0, 13),
)

_quick = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0, 1, 200, 1000, 2000]), st.just(0), st.just("a"), st.just("BTCUSDT"),
              st.booleans(), st.integers(0, 13)),
    max_size=12,
)  # fmt: skip


@st.composite
def tapes(draw: st.DrawFn) -> tuple[list[tuple[int, str, str, str, float, str]], ...]:
    """Draw (liquidations, trades): rows (ts_ms, exchange, symbol, side, price, usd), some of them late."""
    liquidations, trades = [], []
    now = START_MS
    for chunk in draw(st.lists(st.one_of(st.lists(_event, max_size=12), _quick), max_size=8)):
        for forced, step, late, venue, symbol, up, amount in chunk:
            now += step
            rows, sides, amounts = (
                (liquidations, ("long", "short"), _FORCED) if forced else (trades, ("sell", "buy"), _ORDERS)
            )
            rows.append((now - late, venue, symbol, sides[up], 100.0 + amount, amounts[amount]))
    return liquidations, trades


class Past(NamedTuple):
    """What went before `tapes`: so many hours with activity in every so manieth minute, of these amounts in turn."""

    hours: float
    every: int
    amounts: list[str]

    def tapes(self) -> tuple[list[tuple[int, str, str, str, float, str]], ...]:
        """Return (liquidations, trades) of BTC, and of SOL now and then."""
        rows: tuple[list[tuple[int, str, str, str, float, str]], ...] = ([], [])
        for place, minute in enumerate(range(0, int(self.hours * 60), self.every)):
            at_ms = START_MS - round(self.hours * 3_600_000) + minute * 60_000 + place * 7_919 % 60_000
            symbol, usd = ("BTCUSDT", "SOLUSDT")[place % 5 == 4], self.amounts[place % len(self.amounts)]
            forced = place % 3 == 0
            sides = ("long", "short") if forced else ("buy", "sell")
            rows[not forced].append((at_ms, "a", symbol, sides[place % 7 == 0], 100.0, usd))
        return rows


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Draw six hours to nine days: on both sides of where medians and quantiles begin to be known."""
    hours = draw(st.sampled_from([5.9, 6, 23.9, 24, 25, 9 * 24]))
    every = draw(st.sampled_from([1, 2, 7, 60])) if hours < 30 else 97
    return Past(
        hours, every, draw(st.lists(st.sampled_from(_ORDERS[:8] + _FORCED[:8]), min_size=1, max_size=6))
    )


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """Draw the numbers: the defaults, lower thresholds, short or no cooldowns, radar off, one asset watched."""
    low = {"majors_usd": 500_000, "large_cap_usd": 500_000, "mid_cap_usd": 500_000}
    counts = {"majors_count": draw(st.sampled_from([1, 2, 3]))}
    thresholds: dict[str, dict[str, float]] = {}
    if draw(st.booleans()):
        thresholds = {
            "liquidation_storm": {**low, **counts},
            "whale_cluster": {
                **low, **counts, "floor_btc_eth_usd": draw(st.sampled_from([10_000, 100_000, 1_500_000])),
                "majors_dominance": draw(st.sampled_from([0.5, 0.6, 0.75, 1.0])),
            },
        }  # fmt: skip
    cooldown = draw(st.sampled_from([None, 0, 5, 60]))
    return Rules.model_validate({
        "thresholds": thresholds,
        "radar": {"enabled": draw(st.integers(0, 4)) > 0},
        "watch": draw(st.sampled_from([(), (), (), ("BTC",)])),
        "cooldown": {} if cooldown is None else dict.fromkeys(_COOLDOWNS, cooldown),
    })  # fmt: skip


_COOLDOWNS = (
    "large_liquidation_s",
    "whale_trade_s",
    "liquidation_storm_s",
    "whale_cluster_s",
    "global_radar_s",
)
