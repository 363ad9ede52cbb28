"""Hand-made alerts of the analysis layer's kinds; keyword arguments replace fields."""

from __future__ import annotations

from typing import Any

import msgspec

from ws_alert.messages import (
    AccumulationFacts,
    Alert,
    CascadeFacts,
    DivergenceFacts,
    FlowFacts,
    FoldedLine,
    FundingFacts,
    FundingRate,
    Kind,
    ScorePart,
    SpikeFacts,
    StopHuntFacts,
    StormLine,
    Tier,
)

__all__ = ["AnalysisSamples"]

_BASE, _ONE_SIDED = ScorePart("base", 50), ScorePart("one side above 80 %", 15)
_SUPPORT = (FoldedLine(Kind.WHALE_CLUSTER, "buy", 8_100_000_00, 11, 30_000),)


class AnalysisSamples:
    """One alert of each kind, as the policy would release it."""

    def __init__(self, samples: Any) -> None:
        self.samples = samples
        self.now_ms: int = samples.now_ms

    def _made(self, kind: Kind, fields: dict[str, Any], **plain: Any) -> Alert:
        nothing: dict[str, Any] = {
            "venues": (), "top": (), "coverage": (), "degraded": (), "sampled": False, "chart": None, "tier": Tier.WATCH,
            "threshold_usd": 0, "threshold_count": 0,
        }  # fmt: skip
        return msgspec.structs.replace(self.samples.storm(), kind=kind, **{**nothing, **plain, **fields})

    def cascade(self, **fields: Any) -> Alert:
        """Storms on seven assets, mostly of longs, over feeds of which one samples."""
        usd = (("BTC", "long", 12_100), ("ETH", "long", 8_140), ("SOL", "long", 3_310), ("XRP", "short", 1_250),
               ("DOGE", "long", 1_020), ("SUI", "long", 610), ("AVAX", "long", 540))  # fmt: skip
        storms = tuple(
            StormLine(asset, side, thousands * 1_000_00, 8 + index, self.now_ms - 50_000 + index * 7_000)
            for index, (asset, side, thousands) in enumerate(usd)
        )
        return self._made(
            Kind.MARKET_CASCADE, fields, asset="MARKET", direction="long", told_usd=26_970_000_00, told_count=77,
            window_ms=60_000, facts=CascadeFacts(storms, 7, 41, 25_720_000_00, 1_250_000_00), sampled=True,
            venues=(("binance", 19_000_000_00), ("okx", 7_970_000_00)), top=self.samples.storm().top,
            threshold_usd=9_000_000_00, threshold_count=5,
        )  # fmt: skip

    def stop_hunt(self, **fields: Any) -> Alert:
        """BTC longs flushed, then bought."""
        row, now = self.samples.row, self.now_ms
        top = (
            row(usd=1_120_000_00, price=96_610.0, event_ms=now - 21_000),
            row(venue="bybit", usd=640_000_00, price=96_410.0, event_ms=now - 15_000, sampled=False, price_kind="bankruptcy"),
            row(side="buy", usd=180_000_00, price=96_655.5, event_ms=now - 6_000, sampled=False),
        )  # fmt: skip
        facts = StopHuntFacts(
            2_790_000_00, 0.87, 96_410.0, 96_905.5, 450_000_00, 5, 96_800.0, 96_265.4, 0.6, 100_000_00
        )
        return self._made(
            Kind.STOP_HUNT, fields, direction="long", told_usd=3_210_000_00, told_count=42, window_ms=30_000, facts=facts,
            venues=(("binance", 2_010_000_00), ("bybit", 1_200_000_00)), top=top, sampled=True,
            threshold_usd=2_000_000_00, threshold_count=1, score=99.0, chart=self.samples.chart(),
            score_parts=(_BASE, ScorePart("volume above $3M", 15), _ONE_SIDED, ScorePart("absorption", 25)),
        )  # fmt: skip

    def flow(self, **fields: Any) -> Alert:
        """Five minutes of BTC buying."""
        facts = FlowFacts(34_200_000_00, 14_000_000_00, 0.7095, 4_200_000_00, 5, 97_010.0, 97_420.5, 0.65)
        return self._made(
            Kind.ORDER_FLOW, fields, direction="buy", told_usd=48_200_000_00, told_count=5, window_ms=300_000, facts=facts,
            venues=(("binance", 3_100_000_00), ("okx", 1_100_000_00)), threshold_count=3, score=80.0,
            top=self.samples.cluster().top[:1], chart=self.samples.chart("orders"),
            score_parts=(_BASE, ScorePart("volume above $5M", 20), ScorePart("one side above 70 %", 10)),
            supported_by=_SUPPORT,
        )  # fmt: skip

    def accumulation(self, **fields: Any) -> Alert:
        """Large BTC buys that do not move the price."""
        facts = AccumulationFacts(2_400_000_00, 7, 120_000_00, 1, 0.08, 0.15)
        return self._made(
            Kind.WHALE_ACCUMULATION_WINDOW, fields, direction="buy", told_usd=2_400_000_00, told_count=7, window_ms=180_000,
            facts=facts, venues=(("okx", 2_400_000_00),), threshold_count=3, top=self.samples.cluster().top[:1],
            chart=self.samples.chart("orders"), supported_by=_SUPPORT,
        )  # fmt: skip

    def funding(self, **fields: Any) -> Alert:
        """Longs of BTC pay 0.152 % per 8 hours on Bybit."""
        rates = (
            FundingRate("bybit", "BTCUSDT", 0.152, 8, self.now_ms - 2_000, 1_200_000_000_00),
            FundingRate("okx", "BTC-USDT-SWAP", 0.101, 4, self.now_ms - 9_000, 900_000_000_00),
            FundingRate("binance", "BTCUSDT", 0.0412, 8, self.now_ms - 1_000, 2_300_000_000_00),
            FundingRate("hyperliquid", "BTC", 0.0301, 1, self.now_ms - 3_000),
        )
        return self._made(
            Kind.FUNDING_EXTREME, fields, direction="long", told_usd=2_100_000_000_00, told_count=2, window_ms=28_800_000,
            facts=FundingFacts(rates, 0.152, "bybit", 0.0836, 0.1),
        )  # fmt: skip

    def divergence(self, **fields: Any) -> Alert:
        """Open interest of BTC moves to Binance."""
        facts = DivergenceFacts(
            "binance", 4_100_000_000_00, 4_186_100_000_00, 2.1, ("bybit", "okx", "gate"), 6_100_000_000_00,
            6_045_100_000_00, 0.9, self.now_ms - 900_000, self.now_ms, 1.5, 0.5,
        )  # fmt: skip
        return self._made(
            Kind.OI_DIVERGENCE, fields, direction="neutral", told_usd=86_100_000_00, told_count=4, window_ms=900_000,
            facts=facts,
        )  # fmt: skip

    def spike(self, **fields: Any) -> Alert:
        """Trade twelve times the usual volume of BTC in a minute."""
        facts = SpikeFacts(
            10_200_000_00, 8_200_000_00, 1_500_000_00, 12.27, 1_440, 97_010.0, 97_420.5, 8.0, 1_000_000_00
        )
        return self._made(
            Kind.VOLUME_SPIKE, fields, direction="neutral", told_usd=18_400_000_00, told_count=1, window_ms=60_000,
            facts=facts, threshold_usd=12_000_000_00, threshold_count=1, chart=self.samples.chart("orders"),
        )  # fmt: skip

    def every_kind(self) -> list[Alert]:
        """One alert of each kind."""
        return [
            self.cascade(),
            self.stop_hunt(),
            self.flow(),
            self.accumulation(),
            self.funding(),
            self.divergence(),
            self.spike(),
        ]
