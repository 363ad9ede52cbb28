"""Hand-made alerts of each kind, for every test that needs a message to send."""

from __future__ import annotations

from math import sin
from typing import Any

import msgspec
import pytest

from ws_alert.messages import (
    Alert,
    Band,
    Chart,
    ClusterFacts,
    Coverage,
    Digest,
    DigestLine,
    EventRow,
    FoldedLine,
    Kind,
    LargeFacts,
    Pattern,
    RadarFacts,
    StormFacts,
    Tier,
    WhaleFacts,
)

NOW = 1_795_262_590_000
"""2026-11-21 12:03:10 UTC"""


class Samples:
    """Alerts as the policy would release them; keyword arguments replace fields."""

    now_ms = NOW

    def row(self, **fields: Any) -> EventRow:
        """One liquidated BTC long on Binance."""
        plain = EventRow("binance", "BTCUSDT", "long", 5_200_000_00, 97_410.5, NOW - 4_000, sampled=True)
        return msgspec.structs.replace(plain, **fields)

    def chart(self, bars_are: str = "liquidations") -> Chart:
        """Ten minutes of price in 5 s buckets that breaks down, or for orders up, at the end."""
        first = NOW // 5_000 * 5_000 - 595_000
        way = 1 if bars_are == "orders" else -1
        price, bars, before = [], [], 97_500.5
        for index in range(120):
            at = first + index * 5_000
            close = 97_500.5 + 60 * sin(index / 9) + 25 * sin(index * 1.7) + way * 85 * max(0, index - 112)
            price.append(
                (at, min(before, close) - 4 - index % 7 * 2, max(before, close) + 5 + index % 5 * 2, close)
            )
            small = (index * 7_919 % 61) ** 3 * 300, (index * 104_729 % 53) ** 3 * 400
            burst = max(0, 310_000_000 - abs(116 - index) * 45_000_000) if index > 112 else 0
            up, down = (burst, small[1]) if way > 0 else (small[0], burst)
            bars.append(
                (at, up, down) if burst else (at, small[0] * (index % 3 == 0), small[1] * (index % 4 == 0))
            )
            before = close
        return Chart(first, first + 600_000, 5_000, tuple(price), tuple(bars), bars_are)

    def storm(self, **fields: Any) -> Alert:
        """$18.3M of BTC longs in 30 s over three venues, one of which samples."""
        top = (
            self.row(),
            self.row(
                venue="okx", symbol="BTC-USDT-SWAP", usd=3_100_000_00, sampled=False, price_kind="bankruptcy"
            ),
            self.row(usd=1_250_000_00, price=97_288.0),
        )
        alert = Alert(
            alert_id="5f" * 32, target="-1001", kind=Kind.LIQUIDATION_STORM, asset="BTC", direction="long",
            tier=Tier.URGENT, step=0, episode_ms=NOW, event_ms=NOW, received_ms=NOW + 84, release_ms=NOW + 90,
            told_usd=18_349_000_00, told_count=212, window_ms=30_000,
            venues=(("binance", 9_100_000_00), ("okx", 6_249_000_00), ("bybit", 3_000_000_00)), top=top,
            threshold_usd=2_000_000_00, threshold_count=2, facts=StormFacts(8, 97_525.5, 96_810.0), sampled=True,
            coverage=(Coverage("binance", 1.0, "live"), Coverage("okx", 0.62, "polling")), degraded=("okx",),
            chart=self.chart(),
        )  # fmt: skip
        return msgspec.structs.replace(alert, **fields)

    def large(self, **fields: Any) -> Alert:
        """One BTC long of $1.25M."""
        row = self.row(usd=1_250_000_00, sampled=False, event_ms=NOW)
        plain = self.storm(
            kind=Kind.LARGE_LIQUIDATION, tier=Tier.WATCH, told_usd=row.usd, told_count=1, window_ms=0,
            venues=(("binance", row.usd),), top=(row,), threshold_usd=500_000_00, threshold_count=1,
            facts=LargeFacts(row), sampled=False, coverage=(), degraded=(),
        )  # fmt: skip
        return msgspec.structs.replace(plain, **fields)

    def whale(self, **fields: Any) -> Alert:
        """One taker buy of $2.1M on OKX."""
        row = self.row(
            venue="okx", symbol="BTC-USDT-SWAP", side="buy", usd=2_100_000_00, sampled=False, event_ms=NOW
        )
        plain = self.large(
            kind=Kind.WHALE_TRADE, direction="buy", told_usd=row.usd, venues=(("okx", row.usd),), top=(row,),
            threshold_usd=1_000_000_00, facts=WhaleFacts(row), chart=self.chart("orders"),
        )  # fmt: skip
        return msgspec.structs.replace(plain, **fields)

    def cluster(self, **fields: Any) -> Alert:
        """Large BTC orders, 87 % of them buys."""
        top = (
            self.row(side="buy", usd=2_100_000_00, sampled=False),
            self.row(side="sell", usd=900_000_00, sampled=False),
        )
        plain = self.storm(
            kind=Kind.WHALE_CLUSTER, direction="buy", tier=Tier.WATCH, told_usd=9_300_000_00, told_count=11,
            venues=(("binance", 5_300_000_00), ("okx", 4_000_000_00)), top=top, threshold_usd=3_000_000_00,
            threshold_count=3, facts=ClusterFacts(8_100_000_00, 1_200_000_00, 9, 2, 0.871), sampled=False,
            coverage=(), degraded=(), chart=self.chart("orders"),
        )  # fmt: skip
        return msgspec.structs.replace(plain, **fields)

    def radar_facts(self, **fields: Any) -> RadarFacts:
        """Tell a storm of longs and a cluster of sells at once."""
        plain = RadarFacts(
            Pattern.CONVERGENCE, Band.EXTREME, 1.3, 0.86, "long", 18_349_000_00, 212, "sell", 8_100_000_00, 11,
            "bearish", -0.82, "high", 1.2,
        )  # fmt: skip
        return msgspec.structs.replace(plain, **fields)

    def radar(self, **fields: Any) -> Alert:
        """Find the global radar in convergence."""
        plain = self.storm(
            kind=Kind.GLOBAL_RADAR, direction="bearish", told_usd=26_449_000_00, told_count=223,
            facts=self.radar_facts(), score=0.86,
        )  # fmt: skip
        return msgspec.structs.replace(plain, **fields)

    def every_kind(self) -> list[Alert]:
        """One alert of each kind."""
        return [self.storm(), self.large(), self.whale(), self.cluster(), self.radar()]

    def folded(self) -> tuple[FoldedLine, ...]:
        """Two findings told together with a larger one."""
        return (
            FoldedLine(Kind.WHALE_CLUSTER, "sell", 8_100_000_00, 11, 30_000),
            FoldedLine(Kind.WHALE_TRADE, "sell", 1_500_000_00, 1, 0),
        )

    def digest(self, count: int = 3, why: str = "budget") -> Digest:
        """Storms that the hourly budget held back, one a second."""
        lines = tuple(
            DigestLine(Kind.LIQUIDATION_STORM, "ETH", "short", NOW - index * 1_000, 2_500_000_00)
            for index in range(count)
        )
        return Digest("d1", "-1001", why, NOW - 1_800_000, NOW, lines)


@pytest.fixture(scope="session")
def samples() -> Samples:
    """Return the maker of sample alerts."""
    return Samples()
