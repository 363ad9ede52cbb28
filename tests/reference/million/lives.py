"""The real engine at work on many made-up histories at once, each of a coin of its own, and what it found.

All histories of a batch are fed in order of receipt, so that one engine serves them all; nothing
but the market cascade connects two coins. Restarts in the middle go the program's own way (SEMANTICS 22).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from teleglas.market import Completeness, Instrument, Liquidation, PositionSide, PriceKind, TakerSide
from tests.shelf import Shelf
from ws_alert.alert_engine import WARM_UP_MS, AlertEngine
from ws_alert.detectors.hit import Hit
from ws_alert.messages import Kind, RecordKind
from ws_alert.rules import Detectors, Rules

__all__ = ["Line", "Machine", "Row", "only"]

_SIDES = {side.value: side for side in PositionSide}
_TAKERS = {side.value: side for side in TakerSide}


class Row(NamedTuple):
    """One input of an asset. what: `liquidation`, `trade`, `funding` or `interest`; amount: cents, of funding its rate.

    side: of funding the hours of its interval.
    """

    received_ms: int
    at_ms: int
    what: str
    asset: str
    venue: str
    side: str
    amount: Any
    price: float = 100.0


class Line(NamedTuple):
    """What was found at an engine's time: `hit`, or `end` of an episode (then event_ms is its beginning)."""

    what: str
    now_ms: int
    kind: str
    direction: str
    event_ms: int
    usd: int
    count: int
    venues: tuple[tuple[str, int], ...]
    tier: str = ""
    facts: tuple[Any, ...] = ()


def only(*kinds: str) -> Detectors:
    """Return the switches of these kinds alone."""
    return Detectors(**{name: name in kinds for name in Detectors.model_fields})


_FACTS: dict[Kind, Callable[[Any], tuple[Any, ...]]] = {
    Kind.LIQUIDATION_STORM: lambda facts: (facts.intensity,),
    Kind.GLOBAL_RADAR: lambda facts: (
        facts.pattern.value,
        facts.band.value,
        facts.volatility,
        round(facts.score_v2, 5),
        facts.storm_side,
    ),
    Kind.STOP_HUNT: lambda facts: (
        facts.side_usd, facts.absorbed_usd, facts.absorbed_count, facts.zone_low, facts.zone_high,
        round(facts.invalidation, 6),
    ),
    Kind.ORDER_FLOW: lambda facts: (facts.buy_usd, facts.sell_usd, facts.large_usd, facts.large_count),
    Kind.WHALE_ACCUMULATION_WINDOW: lambda facts: (facts.other_usd, facts.other_count),
    Kind.VOLUME_SPIKE: lambda facts: (facts.buy_usd, facts.sell_usd, facts.median_usd, facts.history_minutes),
    Kind.MARKET_CASCADE: lambda facts: (facts.assets, facts.long_usd, facts.short_usd),
    Kind.FUNDING_EXTREME: lambda facts: (facts.extreme_of, round(facts.extreme_8h, 9)),
    Kind.OI_DIVERGENCE: lambda facts: (facts.venue, facts.venue_from, facts.venue_to, facts.others_from, facts.others_to),
}  # fmt: skip


class Machine:
    """An engine, and by asset what it found so far."""

    def __init__(self, rules: Rules, *, remembers: bool = False) -> None:
        self.rules = rules
        self.lines: dict[str, list[Line]] = defaultdict(list)
        self._instruments: dict[tuple[str, str], Instrument] = {}
        self._fed: list[Row] = []
        self._shelf = Shelf() if remembers else None
        self.engine = self._made()

    def feed(self, row: Row) -> None:
        """Feed one row at its time."""
        self._fed.append(row)
        self._feed(row)

    def restart(self) -> None:
        """Go on with a new engine from memory, the windows filled from what was fed in the last minutes."""
        memory, now_ms = self.engine.memory(), self.engine.now_ms
        if self._shelf is not None:
            self._shelf.keep(self.engine.baselines)
        self.engine = self._made()
        self.engine.warming = True
        self._fed = [row for row in self._fed if row.received_ms >= now_ms - WARM_UP_MS]
        for row in self._fed:
            self._feed(row)
        self.engine.warming = False
        self.engine.restore(memory)

    def rest(self, until_ms: int = 1 << 60) -> None:
        """Run the deadlines that remain up to a time."""
        while (due := self.engine.next_deadline()) is not None and due <= until_ms:
            self.engine.advance(due)

    def take(self) -> dict[str, list[Line]]:
        """Return what was found since the last call."""
        found, self.lines = self.lines, defaultdict(list)
        self.engine.phases.clear()
        self._fed = [row for row in self._fed if row.received_ms >= self.engine.now_ms - WARM_UP_MS]
        return found

    def _made(self) -> AlertEngine:
        engine = AlertEngine(self.rules, {}, [])
        if self._shelf is not None:
            engine.remember(self._shelf.stored())
        observe, end = engine.episodes.observe, engine.episodes.end

        def observed(hit: Hit, events: Any, now_ms: int) -> Any:
            self.lines[hit.asset].append(_hit(hit, now_ms))
            return observe(hit, events, now_ms)

        def ended(key: Any) -> Any:
            one = end(key)
            venues = tuple(sorted(one.venues.items()))
            line = Line(
                "end", engine.now_ms, one.kind.value, one.direction, one.start_ms, one.usd, one.count, venues
            )
            self.lines[one.asset].append(line)
            return one

        engine.episodes.observe = observed  # type: ignore[method-assign]
        engine.episodes.end = ended  # type: ignore[method-assign]
        return engine

    def _feed(self, row: Row) -> None:
        engine, key = self.engine, (row.venue, row.asset)
        found = self._instruments.get(key)
        if found is None:
            found = self._instruments[key] = Instrument(row.venue, f"{row.asset}USDT", row.asset)
        engine.receive(RecordKind.TICK, "", b"", row.received_ms)
        if row.what == "trade":
            usd = f"{row.amount // 100}.{row.amount % 100:02d}"
            engine.file_trade(found, row.at_ms, _TAKERS[row.side], row.price, usd)
        elif row.what == "liquidation":
            engine.file_liquidation(
                Liquidation(found, row.at_ms, _SIDES[row.side], row.price, row.amount, PriceKind.FILL, Completeness.ALL)
            )  # fmt: skip
        elif row.what == "funding":
            engine.file_funding(found, row.at_ms, row.amount, float(row.side), 60_000)
        else:
            engine.file_open_interest(found, row.at_ms, row.amount)


def _hit(hit: Hit, now_ms: int) -> Line:
    tell = _FACTS.get(hit.kind)
    facts = tell(hit.facts) if tell is not None else ()
    score = () if hit.score is None or hit.kind is Kind.GLOBAL_RADAR else (hit.score,)
    normal = () if hit.normal is None else ("normal", hit.normal.usd)
    return Line("hit", now_ms, hit.kind.value, hit.direction, hit.event_ms, hit.usd, hit.count,
                tuple(sorted(hit.venues)), hit.tier.name, facts + score + normal)  # fmt: skip
