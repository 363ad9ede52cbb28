"""Which contracts exist in the simulated market, and how each venue spells and counts them.

Prices, lot sizes and contract values are of the order that the venues print; they are part of the
simulation and nobody's reference data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["COIN_MARGINED", "NUMBERED_PREFIX", "VENUES", "Asset", "Listing", "assets", "numbered_assets"]

VENUES = ("binance", "bybit", "okx")

COIN_MARGINED = "BTCUSD_PERP"
"""Of Binance's other family: since 2026 its forced orders ride on the USD-M all-market stream too."""

NUMBERED_PREFIX = "N"


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One contract of one venue.

    scale: coins per priced unit (1000 for 1000PEPEUSDT).
    multiplier: coins (linear) or USD (inverse) per unit of the venue's quantity.
    price_decimals, quantity_decimals: what the venue prints.
    """

    venue: str
    symbol: str
    asset: str
    price_decimals: int
    quantity_decimals: int
    scale: int = 1
    multiplier: float = 1.0
    inverse: bool = False

    def quantity(self, usd: float, price: float) -> str:
        """Return how the venue prints an order of about `usd` at `price`: at least one lot."""
        per_unit = self.multiplier if self.inverse else self.multiplier * price
        lot = 10.0**-self.quantity_decimals
        return f"{max(usd / per_unit, lot):.{self.quantity_decimals}f}"

    def usd(self, price: float, quantity: float) -> float:
        """Return the notional in USD of a quantity as the venue counts it."""
        return quantity * self.multiplier if self.inverse else price * quantity * self.multiplier


@dataclass(frozen=True, slots=True, eq=False)
class Asset:
    """A coin: where its price starts and how much of it changes hands a day (USD, all venues)."""

    name: str
    price: float
    turnover: float
    listings: tuple[Listing, ...]
    shares: tuple[float, ...]


_TABLE = """
BTC 97500 42e9 0.01 2|ETH 3420 24e9 0.1 2|BNB 905 2.1e9 0.01 1|SOL 142.3 9.5e9 1 2|XRP 2.21 4.8e9 100 1
ADA 0.4432 1.1e9 100 1|AVAX 14.82 6.2e8 1 1|DOT 2.561 3.4e8 1 1|POL 0.1633 1.6e8 10 1|DOGE 0.1521 3.2e9 1000 2
LINK 13.41 8.8e8 1 1|LTC 96.2 6.6e8 1 1|BCH 512.4 5.1e8 0.1 1|UNI 6.934 4.4e8 1 1|AAVE 171.2 3.9e8 0.1 1
ARB 0.2471 2.6e8 10 1|OP 0.3922 1.9e8 1 1|SUI 1.611 1.2e9 1 1|APT 2.832 2.7e8 1 1|NEAR 1.883 4.1e8 10 1
TIA 0.6811 1.5e8 1 1|INJ 6.042 1.2e8 0.1 1|SEI 0.1394 9.7e7 10 1|FIL 1.702 2.3e8 0.1 1|ATOM 2.533 1.4e8 1 1
TRX 0.2811 1.8e8 1000 1|TON 1.602 1.1e8 1 1|ETC 14.02 1.7e8 10 1|HBAR 0.1463 2.9e8 100 1|ICP 4.731 3.1e8 0.01 1
WIF 0.3714 2.1e8 1 1|ORDI 4.221 1.3e8 0.1 1|JUP 0.2583 1.1e8 10 1|ENA 0.2601 4.6e8 10 1|WLD 0.6622 2.8e8 1 1
LDO 0.7141 1.2e8 1 1|FET 0.2714 1.4e8 10 1|ZEC 583.1 1.9e9 0.1 1
"""


def assets() -> tuple[Asset, ...]:
    """Return the forty coins of the simulated market, largest first."""
    rows = [row.split() for line in _TABLE.strip().splitlines() for row in line.split("|")]
    plain = [_plain(name, float(price), float(day), float(value)) for name, price, day, value, _ in rows]
    return tuple(sorted([*plain, _pepe(), _local()], key=lambda asset: -asset.turnover))


def numbered_assets(count: int) -> tuple[Asset, ...]:
    """Return the coins N0001, N0002, ... of the load scenario: listed on Binance only, never traded."""
    return tuple(
        Asset(
            name=f"{NUMBERED_PREFIX}{number:04d}",
            price=10.0,
            turnover=0.0,
            listings=(Listing("binance", f"{NUMBERED_PREFIX}{number:04d}USDT", f"{NUMBERED_PREFIX}{number:04d}", 4, 3),),
            shares=(1.0,),
        )
        for number in range(1, count + 1)
    )


def _digits(price: float) -> int:
    return max(1, 4 - math.floor(math.log10(price)))


def _plain(name: str, price: float, turnover: float, contract: float) -> Asset:
    decimals = _digits(price)
    lots = max(0, math.ceil(math.log10(price)) - 2) if price >= 1 else 0
    listings = [
        Listing("binance", f"{name}USDT", name, decimals, lots),
        Listing("bybit", f"{name}USDT", name, decimals, lots),
        Listing("okx", f"{name}-USDT-SWAP", name, decimals, 2, multiplier=contract),
    ]
    shares = [0.55, 0.25, 0.20]
    if name == "BTC":
        listings.append(Listing("okx", "BTC-USD-SWAP", name, decimals, 0, multiplier=100.0, inverse=True))
        shares = [0.55, 0.25, 0.17, 0.03]
    return Asset(name, price, turnover, tuple(listings), tuple(shares))


def _pepe() -> Asset:
    """Return a coin that two venues price by the thousand and the third in contracts of ten million."""
    listings = (
        Listing("binance", "1000PEPEUSDT", "PEPE", 7, 0, scale=1000),
        Listing("bybit", "1000PEPEUSDT", "PEPE", 7, 0, scale=1000),
        Listing("okx", "PEPE-USDT-SWAP", "PEPE", 10, 1, multiplier=1e7),
    )
    return Asset("PEPE", 0.0000046, 8.1e8, listings, (0.55, 0.25, 0.20))


def _local() -> Asset:
    """Return a coin whose symbol is not ASCII, as one that Binance listed in 2026."""
    name = "牛来"
    return Asset(name, 0.0213, 6.4e7, (Listing("binance", f"{name}USDT", name, 6, 0),), (1.0,))
