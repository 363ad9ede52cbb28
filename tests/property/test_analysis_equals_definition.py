"""Stop hunts, order flow, accumulation and cascades against slow definitions, on made-up tapes at the edges."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teleglas.market import Completeness, Instrument, Liquidation, PositionSide, PriceKind, TakerSide
from teleglas.money import cents, exact_decimal
from tests.reference.analysis_findings import Market, Row, Storm, cascade
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import REPLAY_TARGET, Kind, PhaseLine
from ws_alert.rules import Rules

EXAMPLES = int(os.environ.get("TELEGLAS_EXAMPLES", "150"))
"""A night's run: TELEGLAS_EXAMPLES=1000000."""

START_MS = 1_700_000_000_000
ASSETS = {"BTC": "BTCUSDT", "SOL": "SOLUSDT", "PEPE": "PEPEUSDT", "DOGE": "DOGEUSDT", "AVAX": "AVAXUSDT"}
_STEPS = [
    0,
    1,
    200,
    999,
    1000,
    1001,
    5000,
    29_999,
    30_000,
    30_001,
    59_999,
    60_000,
    179_999,
    180_000,
    299_999,
    300_001,
]
_LATE = [0, 0, 0, 0, 0, 1, 1000, 29_999, 30_000, 59_999, 60_000, 60_001]
_FORCED = [
    "2000000",
    "2000000.01",
    "1000000.01",
    "500000",
    "500000.01",
    "1200000",
    "800000",
    "3000000.01",
    "5000000.01",
]
_ORDERS = ["100000", "100000.01", "99999.99", "50000.01", "25000", "25000.01", "10000", "9999.99", "700000", "3000000.01",
           "1300000", "200"]  # fmt: skip
_PRICES = [100.0, 100.0, 100.0, 100.1, 100.15, 100.16]

_event = st.tuples(
    st.booleans(),
    st.sampled_from(_STEPS),
    st.sampled_from(_LATE),
    st.sampled_from(["BTC"] * 4 + ["SOL", "PEPE", "DOGE", "AVAX"]),
    st.sampled_from([True, True, True, False]),
    st.integers(0, 11),
    st.sampled_from(_PRICES),
)
_quick = st.tuples(
    st.booleans(), st.sampled_from([0, 1, 300, 1000]), st.just(0), st.sampled_from(["BTC", "SOL"]), st.booleans(),
    st.integers(0, 11), st.sampled_from(_PRICES),
)  # fmt: skip
_tapes = st.lists(st.one_of(st.lists(_event, max_size=10), st.lists(_quick, max_size=10)), max_size=6).map(
    lambda chunks: [event for chunk in chunks for event in chunk]
)
_rules = st.sampled_from(
    [
        Rules(),
        Rules.model_validate({"thresholds": {"market_cascade": {"assets": 2}, "order_flow": {"count": 1}}}),
        Rules.model_validate({"thresholds": {"market_cascade": {"assets": 3}, "order_flow": {"score": 50}}}),
    ]
)


class Run:
    """The engine, its phases with the time of each, and which levels are open."""

    def __init__(self, rules: Rules) -> None:
        self.engine = AlertEngine(rules, {}, [REPLAY_TARGET], budget=False)
        self.instruments = {asset: Instrument("a", symbol, asset) for asset, symbol in ASSETS.items()}
        self.phases: list[PhaseLine] = []

    def read(self, row: Row) -> list[PhaseLine]:
        """Feed one row; return what began or ended at it, deadlines before it included."""
        usd = f"{row.usd // 100}.{row.usd % 100:02d}"
        instrument = self.instruments[row.asset]
        if row.forced:
            self.engine.file_liquidation(
                Liquidation(instrument, row.at_ms, PositionSide(row.side), row.price, cents(exact_decimal(usd)),
                            PriceKind.FILL, Completeness.ALL)
            )  # fmt: skip
        else:
            self.engine.file_trade(instrument, row.at_ms, TakerSide(row.side), row.price, usd)
        new = list(self.engine.phases)
        self.engine.phases.clear()
        self.phases += new
        return new

    def is_open(self, kind: Kind, asset: str, direction: str) -> bool:
        """Whether an episode goes on."""
        return (kind, asset, direction) in self.engine.episodes.open


def _row(event, now: int) -> Row:
    forced, _, late, asset, up, amount, price = event
    sides = ("short", "long") if forced else ("sell", "buy")
    amounts = _FORCED if forced else _ORDERS
    usd = round(float(amounts[amount % len(amounts)]) * 100)
    return Row(now - late, forced, asset, sides[up], usd, price)


def _began(phases: list[PhaseLine], kind: Kind) -> list[PhaseLine]:
    return [phase for phase in phases if phase.kind is kind and phase.phase == "start"]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=_tapes, rules=_rules)
def test_every_kind_begins_where_its_definition_says(events, rules: Rules) -> None:
    """Exactly there, with its sums to the cent; a level is open whenever its definition holds."""
    run, market, now = Run(rules), Market(rules), START_MS
    storms: list[Storm] = []
    for event in events:
        now += event[1]
        row = _row(event, now)
        last_second = {asset: _last_second(market, asset) for asset in ASSETS}
        new = run.read(row)
        taken = market.read(
            row.at_ms, forced=row.forced, asset=row.asset, side=row.side, usd=row.usd, price=row.price
        )
        if taken is None:
            continue
        _check_hunt(run, market, taken, new)
        storms = _check_cascade(rules, storms, new, now)
        _check_flow(run, market, taken, last_second[row.asset])
        if market.is_order(taken) and market.is_timely(taken):
            side = market.accumulating(row.asset, market.newest(row.asset))
            if side:
                assert run.is_open(Kind.WHALE_ACCUMULATION_WINDOW, row.asset, side)
            for phase in _began(new, Kind.WHALE_ACCUMULATION_WINDOW):
                assert phase.direction == side
    while (due := run.engine.next_deadline()) is not None:
        run.engine.advance(due)
    assert not run.engine.episodes.open


def _last_second(market: Market, asset: str) -> int:
    return max((row.at_ms // 1000 for row in market.rows if row.asset == asset), default=-1)


def _check_hunt(run: Run, market: Market, row: Row, new: list[PhaseLine]) -> None:
    flush = market.hunt(row)
    found = _began(new, Kind.STOP_HUNT)
    if flush is None or market.score(row.asset, flush.usd, flush.side_usd, absorbed=True) <= 70:
        assert not found
        return
    assert run.is_open(Kind.STOP_HUNT, row.asset, flush.side)
    for phase in found:
        assert (phase.direction, phase.usd, phase.count, phase.event_ms) == (
            flush.side, flush.usd, flush.count, row.at_ms,
        )  # fmt: skip


def _check_cascade(rules: Rules, storms: list[Storm], new: list[PhaseLine], now: int) -> list[Storm]:
    began = _began(new, Kind.LIQUIDATION_STORM)
    cascades = _began(new, Kind.MARKET_CASCADE)
    for phase in began:
        storm = Storm(phase.asset, phase.direction, phase.event_ms, phase.usd, phase.count)
        storms = [*storms, storm]
        made = cascade(storms, storm, rules.thresholds.market_cascade.assets)
        if not made:
            assert not cascades
            continue
        for found in cascades:
            usd = {
                side: sum(each.usd for each in made if each.direction == side) for side in ("long", "short")
            }
            assert found.usd == sum(usd.values())
            assert found.count == sum(each.count for each in made)
            assert found.direction == ("short" if usd["short"] > usd["long"] else "long")
    if not began:
        assert not cascades
    return [storm for storm in storms if storm.at_ms > now - 300_000]


def _check_flow(run: Run, market: Market, row: Row, last_second: int) -> None:
    """When a row opens a second that is later than all before, the seconds before it are judged."""
    second = row.at_ms // 1000
    if last_second < 0 or second <= last_second:
        return
    # the row itself lies in the open second, so it changes nothing of what is closed
    side = market.flowing(row.asset, second * 1000)
    if side:
        assert run.is_open(Kind.ORDER_FLOW, row.asset, side)
