"""How busy the simulated market is over time. A scenario sets intensities only, never an alert."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["QUIET_USD", "SCENARIOS", "Intensity", "Move", "Numbered", "Order", "Phase", "Scenario"]

QUIET_USD = 9_000
"""Below the least order that any rule calls large."""


@dataclass(frozen=True, slots=True)
class Intensity:
    """How busy one asset is now.

    trade_rate, liquidation_rate: multiples of the asset's ordinary rate of arrivals.
    trade_size, liquidation_size: multiples of the ordinary order.
    buy_share, long_share: probability that a fresh decision is a buy, a forced order a long's.
    whale_rate: groups of large orders a second; whale_usd: the least of their sizes.
    drift: the shock's move of the price, as a fraction a second.
    """

    trade_rate: float = 0.8
    trade_size: float = 0.3
    buy_share: float = 0.5
    whale_rate: float = 0.0
    whale_usd: float = 0.0
    liquidation_rate: float = 1.0
    liquidation_size: float = 1.0
    long_share: float = 0.5
    drift: float = 0.0


@dataclass(frozen=True, slots=True)
class Phase:
    """Changes to the intensity of some assets (all if none is named) from start_s until end_s."""

    start_s: float
    end_s: float
    assets: tuple[str, ...]
    changes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Move:
    """How a coin's positions on one venue depart from their ordinary course, in time since the start.

    interest: what the open interest is multiplied by; from 1 at start_s it gets there evenly
    until end_s, and stays. funding_8h: the funding in percent per 8 hours from start_s until
    end_s, in place of the ordinary one; positive: longs pay. None: as ordinary.
    """

    venue: str
    asset: str
    start_s: float
    end_s: float
    interest: float = 1.0
    funding_8h: float | None = None

    def factor(self, now_ms: float) -> float:
        """Return what the open interest is multiplied by."""
        part = (now_ms / 1000.0 - self.start_s) / max(self.end_s - self.start_s, 1e-9)
        return 1.0 + (self.interest - 1.0) * min(max(part, 0.0), 1.0)

    def funding(self, now_ms: float) -> float | None:
        """Return the funding in percent per 8 hours, None if it is the ordinary one."""
        return self.funding_8h if self.start_s <= now_ms / 1000.0 < self.end_s else None


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a known time (ms since the start), size (USD) and price (of one coin).

    side: `buy` or `sell` of a taker; `long` or `short`, the POSITION, of a forced order.
    """

    at_ms: int
    asset: str
    venue: str
    side: str
    usd: float
    price: float

    @property
    def forced(self) -> bool:
        """Whether it closes a position by force."""
        return self.side in {"long", "short"}


@dataclass(frozen=True, slots=True)
class Numbered:
    """Storms of known size for a ledger: storm k is worth `usd` dollars and k cents.

    Its `rows` equal forced orders of longs are gap_s apart, which Binance's one order per symbol and
    second lets through. Storm k hits coin number k modulo `coins`.
    """

    count: int = 1_000_000
    first_s: float = 3.0
    every_s: float = 0.5
    usd: int = 600_000
    rows: int = 2
    gap_s: float = 1.2
    coins: int = 1000

    def asset(self, number: int) -> str:
        """Return the coin of storm `number` (counted from 1)."""
        return f"N{(number - 1) % self.coins + 1:04d}"


@dataclass(frozen=True)
class Scenario:
    """Intensities over time. period_s: after this the phases repeat; 0 for never. moves: of positions, once.

    orders: in order of time; the price of their coin is that of the last one. Coins in `scripted` have no others.
    """

    name: str
    base: Intensity
    phases: tuple[Phase, ...] = ()
    period_s: float = 0.0
    largest_trade_usd: float = math.inf
    largest_liquidation_usd: float = math.inf
    numbered: Numbered | None = None
    moves: tuple[Move, ...] = ()
    orders: tuple[Order, ...] = ()
    scripted: frozenset[str] = frozenset()
    _tables: dict[str, tuple[list[float], list[Intensity]]] = field(default_factory=dict, repr=False, compare=False)

    def at(self, asset: str, now_ms: float) -> tuple[Intensity, float]:
        """Return the asset's intensity at a time since the start, and until when it holds (ms)."""
        starts, values = self._tables.get(asset) or self._table(asset)
        if not self.period_s:
            index = bisect_right(starts, now_ms)
            return values[index - 1], starts[index] if index < len(starts) else math.inf
        period = self.period_s * 1000.0
        begin = now_ms // period * period
        index = bisect_right(starts, now_ms - begin)
        return values[index - 1], begin + (starts[index] if index < len(starts) else period)

    def largest_trade(self, asset: str) -> float:
        """Return the largest taker order in USD that this scenario lets happen."""
        return self.largest_trade_usd * (10.0 if asset in {"BTC", "ETH"} else 1.0)

    def _table(self, asset: str) -> tuple[list[float], list[Intensity]]:
        mine = [phase for phase in self.phases if not phase.assets or asset in phase.assets]
        edges = {0.0, *(phase.start_s for phase in mine), *(phase.end_s for phase in mine)}
        starts = sorted(edge for edge in edges if not self.period_s or edge < self.period_s)
        values = []
        for start in starts:
            value = self.base
            for phase in mine:
                if phase.start_s <= start < phase.end_s:
                    value = replace(value, **phase.changes)
            values.append(value)
        self._tables[asset] = [start * 1000.0 for start in starts], values
        return self._tables[asset]


_ALTS = ("DOGE", "LINK", "SUI", "ENA", "HBAR", "NEAR", "AAVE", "UNI", "PEPE", "WLD", "ARB", "ICP")


def _rush(start: float, end: float, assets: tuple[str, ...], **changes: float) -> Phase:
    return Phase(start, end, assets, changes)


_DEMO = (
    # Large orders on coins that are otherwise calm.
    _rush(9, 66, ("BNB",), whale_rate=0.1, whale_usd=1_050_000),
    _rush(10, 66, ("LTC", "BCH", "TRX"), whale_rate=0.02, whale_usd=230_000),
    # Forced orders of notable size on scattered coins.
    _rush(12, 66, _ALTS, liquidation_rate=9, liquidation_size=34, long_share=0.7),
    # The first wave: longs of a large coin are flushed.
    _rush(14, 30, ("SOL",), liquidation_rate=200, liquidation_size=11, long_share=0.95, drift=-0.0008),
    # Buyers come in clusters.
    _rush(24, 36, ("XRP",), whale_rate=0.8, whale_usd=120_000, buy_share=0.93, drift=0.0003),
    # The second wave: forced and voluntary selling together.
    _rush(34, 54, ("BTC", "ETH"), liquidation_rate=60, liquidation_size=20, long_share=0.95,
          whale_rate=0.6, whale_usd=280_000, buy_share=0.05, drift=-0.0005),
    # Then shorts of smaller coins are squeezed.
    _rush(42, 60, ("AVAX", "DOT", "FIL", "APT"), liquidation_rate=450, liquidation_size=70, long_share=0.05,
          drift=0.0011),
    _rush(50, 62, ("ADA",), whale_rate=0.8, whale_usd=130_000, buy_share=0.06, drift=-0.0003),
)  # fmt: skip

_STORM = (
    _rush(5, 60, (), liquidation_rate=30, liquidation_size=8, long_share=0.9, trade_rate=0.8, whale_rate=0.05,
          whale_usd=150_000, buy_share=0.2, drift=-0.0004),
)  # fmt: skip

_SOAK = (
    _rush(20, 60, ("BTC", "ETH", "SOL"), liquidation_rate=20, liquidation_size=8, long_share=0.9,
          drift=-0.0004),
    _rush(200, 240, ("XRP", "ADA", "DOGE"), whale_rate=0.3, whale_usd=120_000, buy_share=0.9),
    _rush(400, 450, _ALTS, liquidation_rate=20, liquidation_size=8, long_share=0.1, drift=0.0006),
)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("demo", Intensity(), _DEMO),
        Scenario("quiet", Intensity(trade_size=0.3), largest_trade_usd=QUIET_USD, largest_liquidation_usd=QUIET_USD),
        Scenario("storm", Intensity(), _STORM, period_s=90),
        Scenario("soak", Intensity(), _SOAK, period_s=600),
        Scenario("numbered", Intensity(trade_rate=0.6, liquidation_rate=0.0), largest_trade_usd=QUIET_USD,
                 numbered=Numbered()),
    )
}  # fmt: skip
"""The scenarios by name. quiet and numbered hold every ordinary order below any alert's threshold."""
