"""The numbers of the product: groups, thresholds, windows, cooldowns (SPEC 0, 2, 3).

These models are also the schema of the settings `GROUPS__*`, `THRESHOLDS__*`,
`COOLDOWN__*`, `RADAR__*` and `SCANNER__*`; amounts are US dollars there and cents inside.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt

from teleglas.errors import BadFrame
from teleglas.instruments import asset_of_symbol
from ws_alert.messages import Kind

__all__ = [
    "GROUPS", "AccumulationThresholds", "CascadeThresholds", "ClusterThresholds", "Cooldowns", "CountThresholds",
    "Detectors", "DivergenceThresholds", "FundingThresholds", "Groups", "OrderFlowThresholds", "RadarRules", "Rules",
    "ScannerRules", "SpikeThresholds", "StopHuntThresholds", "Thresholds", "UsdThresholds"]  # fmt: skip

GROUPS = ("majors", "large_cap", "mid_cap", "others")
"""Groups of assets that share thresholds (SPEC 0)."""

Dollars = Annotated[float, Field(gt=0, le=1e11)]


def _names(value: object) -> object:
    if isinstance(value, str):
        if value.strip() and not value.strip(", "):
            raise ValueError("write names, separated by commas, or leave it empty")
        value = value.split(",")
    if isinstance(value, list | tuple):
        return tuple(str(each).strip() for each in value if str(each).strip())
    return value


def _symbols(value: object) -> object:
    names = _names(value)
    return tuple(name.upper() for name in names) if isinstance(names, tuple) else names


def _coins(value: object) -> object:
    """Take coins by any name: `btc`, `BTCUSDT` and `XBT` are BTC, which is what events are compared with."""
    names = _names(value)
    if not isinstance(names, tuple):
        return names
    try:
        return tuple(dict.fromkeys(asset_of_symbol(name)[0] for name in names))
    except BadFrame as error:
        raise ValueError(f"{error} is no coin: write one like BTC") from error


Symbols = Annotated[tuple[str, ...], BeforeValidator(_symbols)]
Coins = Annotated[tuple[str, ...], BeforeValidator(_coins)]


_UNCONFIRMED = (Kind.GLOBAL_RADAR, Kind.MARKET_CASCADE, Kind.CANDLE_CONFLUENCE)


def _kinds(value: object) -> object:
    """Take kinds that another kind can confirm: not one that is made of others or has none of its lean."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        return value
    found = tuple(dict.fromkeys(str(each).strip() for each in value if str(each).strip()))
    known = [kind.value for kind in Kind if kind not in _UNCONFIRMED]
    if found == ("none",):
        return ()
    if set(found) - set(known):
        raise ValueError(f"write none, or some of {', '.join(known)}, separated by commas")
    return tuple(Kind(each) for each in found)


Kinds = Annotated[tuple[Kind, ...], BeforeValidator(_kinds)]


_TIMEFRAMES = ("1m", "3m", "5m", "15m", "30m", "1h", "4h")


def _timeframes(value: object) -> object:
    """Take what all three venues stream."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        return value
    found = tuple(dict.fromkeys(str(each).strip() for each in value if str(each).strip()))
    if not found or set(found) - set(_TIMEFRAMES):
        raise ValueError(f"write one or more of {', '.join(_TIMEFRAMES)}, separated by commas")
    return found


Timeframes = Annotated[tuple[str, ...], BeforeValidator(_timeframes)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Groups(_Model):
    """Which assets share thresholds; every other asset is in OTHERS."""

    majors: Coins = ("BTC", "ETH", "BNB")
    large_cap: Coins = ("SOL", "ADA", "XRP")
    mid_cap: Coins = ("AVAX", "DOT", "POL")

    def of(self, asset: str) -> str:
        """Return `majors`, `large_cap`, `mid_cap` or `others`."""
        if asset in self.majors:
            return "majors"
        if asset in self.large_cap:
            return "large_cap"
        return "mid_cap" if asset in self.mid_cap else "others"


class UsdThresholds(_Model):
    """Minimum USD per group; OTHERS takes MID_CAP's value unless it is set."""

    majors_usd: Dollars
    large_cap_usd: Dollars
    mid_cap_usd: Dollars
    others_usd: Dollars | None = None

    def usd(self, group: str) -> int:
        """Return the group's minimum in cents."""
        value: float | None = getattr(self, f"{group}_usd")
        return round((self.mid_cap_usd if value is None else value) * 100)


class CountThresholds(UsdThresholds):
    """Minimum USD and minimum number of events per group."""

    majors_count: PositiveInt = 2
    large_cap_count: PositiveInt = 2
    mid_cap_count: PositiveInt = 2
    others_count: PositiveInt | None = None

    def count(self, group: str) -> int:
        """Return the group's minimum number of events."""
        value = getattr(self, f"{group}_count")
        return int(self.mid_cap_count if value is None else value)


Share = Annotated[float, Field(ge=0.5, le=1)]


class ClusterThresholds(CountThresholds):
    """A cluster also wants one side to dominate; `floor` is what makes an order large."""

    majors_count: PositiveInt = 3
    large_cap_count: PositiveInt = 3
    mid_cap_count: PositiveInt = 2
    majors_dominance: Share = 0.70
    large_cap_dominance: Share = 0.65
    mid_cap_dominance: Share = 0.60
    others_dominance: Share | None = None
    floor_btc_eth_usd: Dollars = 100_000
    floor_usd: Dollars = 10_000

    def dominance(self, group: str) -> float:
        """Return the group's minimum share of the larger side, 0.5..1."""
        value = getattr(self, f"{group}_dominance")
        return float(self.mid_cap_dominance if value is None else value)

    def floor(self, asset: str) -> int:
        """Return in cents what a taker order must reach to count as a whale's."""
        return round((self.floor_btc_eth_usd if asset in ("BTC", "ETH") else self.floor_usd) * 100)


class StopHuntThresholds(UsdThresholds):
    """A flush of MORE than so many USD, `majority` of it one side; then absorption of MORE than the other amount.

    score: the confidence must be above it.
    """

    majors_absorption_usd: Dollars = 100_000
    large_cap_absorption_usd: Dollars = 50_000
    mid_cap_absorption_usd: Dollars = 25_000
    others_absorption_usd: Dollars | None = None
    majority: Share = 0.60
    score: float = Field(default=70, ge=0, le=99)

    def absorption(self, group: str) -> int:
        """Return in cents what large orders against the forced flow must exceed."""
        value: float | None = getattr(self, f"{group}_absorption_usd")
        return round((self.mid_cap_absorption_usd if value is None else value) * 100)


class OrderFlowThresholds(_Model):
    """One side's share of all taker flow above `ratio`, with so many large orders of it; score as above."""

    ratio: Share = 0.65
    count: PositiveInt = 3
    score: float = Field(default=70, ge=0, le=99)


class AccumulationThresholds(_Model):
    """So many large orders of one side while the price range is at most so many percent."""

    count: PositiveInt = 3
    range_percent: float = Field(default=0.15, gt=0, le=100)


class FundingThresholds(_Model):
    """Percent per 8 hours."""

    percent: float = Field(default=0.1, gt=0, le=100)


class DivergenceThresholds(_Model):
    """Percent of single-sided open interest over 15 minutes."""

    rise_percent: float = Field(default=1.5, gt=0, le=100)
    fall_percent: float = Field(default=0.5, gt=0, le=100)


class SpikeThresholds(_Model):
    """Multiple of the asset's own median minute, and the least taker volume of 60 s."""

    multiple: float = Field(default=8, gt=1, le=10_000)
    floor_usd: Dollars = 1_000_000


class CascadeThresholds(_Model):
    """Assets whose storms began within a minute."""

    assets: PositiveInt = 5


class Thresholds(_Model):
    """Thresholds of every kind.

    mode: whether large liquidations, whale trades, storms and clusters (and the radar made of
    them) fire at fixed amounts, at the asset's own normal, or where both are reached.
    """

    mode: Literal["fixed", "adaptive", "both"] = "both"
    large_liquidation: UsdThresholds = UsdThresholds(
        majors_usd=500_000, large_cap_usd=300_000, mid_cap_usd=100_000
    )
    whale_trade: UsdThresholds = UsdThresholds(
        majors_usd=1_000_000, large_cap_usd=500_000, mid_cap_usd=200_000
    )
    liquidation_storm: CountThresholds = CountThresholds(
        majors_usd=2_000_000, large_cap_usd=1_000_000, mid_cap_usd=500_000
    )
    whale_cluster: ClusterThresholds = ClusterThresholds(
        majors_usd=3_000_000, large_cap_usd=1_500_000, mid_cap_usd=500_000
    )
    stop_hunt: StopHuntThresholds = StopHuntThresholds(
        majors_usd=2_000_000, large_cap_usd=1_000_000, mid_cap_usd=500_000
    )
    order_flow: OrderFlowThresholds = OrderFlowThresholds()
    whale_accumulation_window: AccumulationThresholds = AccumulationThresholds()
    funding_extreme: FundingThresholds = FundingThresholds()
    oi_divergence: DivergenceThresholds = DivergenceThresholds()
    volume_spike: SpikeThresholds = SpikeThresholds()
    market_cascade: CascadeThresholds = CascadeThresholds()

    def least(self, fixed: int) -> int:
        """Return what must be reached in any case, in cents: the fixed amount, a tenth of it in `adaptive`."""
        return -(-fixed // 10) if self.mode == "adaptive" else fixed


class Cooldowns(_Model):
    """Seconds before the same (kind, asset, direction) is told again to one target unless it doubled.

    A candle confluence, which cannot double, is told again if the price has moved (`ScannerRules`).
    """

    large_liquidation_s: float = Field(default=300, ge=0)
    whale_trade_s: float = Field(default=600, ge=0)
    liquidation_storm_s: float = Field(default=300, ge=0)
    whale_cluster_s: float = Field(default=600, ge=0)
    global_radar_s: float = Field(default=300, ge=0)
    candle_confluence_s: float = Field(default=300, ge=0)
    market_cascade_s: float = Field(default=300, ge=0)
    stop_hunt_s: float = Field(default=300, ge=0)
    order_flow_s: float = Field(default=300, ge=0)
    whale_accumulation_window_s: float = Field(default=300, ge=0)
    funding_extreme_s: float = Field(default=300, ge=0)
    oi_divergence_s: float = Field(default=300, ge=0)
    volume_spike_s: float = Field(default=300, ge=0)

    def ms(self, kind: Kind) -> int:
        """Return the kind's cooldown in milliseconds."""
        seconds: float = getattr(self, f"{kind.value}_s")
        return round(seconds * 1000)


class RadarRules(_Model):
    """Whether storm and cluster of one asset are told together as the global radar."""

    enabled: bool = True


class Detectors(_Model):
    """Which kinds are looked for at all; the radar has its own switch."""

    large_liquidation: bool = True
    whale_trade: bool = True
    liquidation_storm: bool = True
    whale_cluster: bool = True
    market_cascade: bool = True
    stop_hunt: bool = True
    order_flow: bool = True
    whale_accumulation_window: bool = True
    funding_extreme: bool = True
    oi_divergence: bool = True
    volume_spike: bool = True


class ScannerRules(_Model):
    """The candle scanner (SPEC 6): how it judges, and which candles it reads.

    enabled: whether `run` reads candles; `scan` always does. venue: whose perpetuals.
    repeat_percent: the price move from the last entry that lets the same type be told
    again within the time of COOLDOWN__CANDLE_CONFLUENCE_S.
    """

    enabled: bool = False
    mode: Literal["strict", "scored"] = "strict"
    venue: Literal["binance", "bybit", "okx"] = "binance"
    symbols: Symbols = ("BTCUSDT",)
    timeframes: Timeframes = ("1m", "5m")
    repeat_percent: float = Field(default=0.3, ge=0, le=100)


class Rules(_Model):
    """Everything that decides; part of each journal segment's header, so that a replay decides the same.

    window_ms: of storms and clusters. watch: assets to decide on, empty for all.
    require_confirmation: kinds that are told only together with another kind of the same asset and lean.
    """

    groups: Groups = Groups()
    thresholds: Thresholds = Thresholds()
    cooldown: Cooldowns = Cooldowns()
    require_confirmation: Kinds = (Kind.ORDER_FLOW, Kind.WHALE_ACCUMULATION_WINDOW)
    detectors: Detectors = Detectors()
    radar: RadarRules = RadarRules()
    scanner: ScannerRules = ScannerRules()
    watch: Coins = ()
    window_ms: PositiveInt = 30_000
    group_wait_ms: int = Field(default=2_000, ge=0)
    hourly_budget: int = Field(default=50, ge=0)
