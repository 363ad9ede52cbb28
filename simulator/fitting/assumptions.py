"""What the recorded tapes cannot tell, with the reason."""

from __future__ import annotations

__all__ = ["ASSUMED"]

ASSUMED: dict[str, tuple[float, str]] = {
    "whale_children": (2.0, "mean size of a group of large orders: the tapes carry no account, so groups are not marked"),
    "whale_gap": (6.0, "mean delay in seconds within such a group: as above"),
    "whale_same_side": (0.95, "side kept within such a group: as above"),
    "liquidation_base_rate": (0.02, "first orders a second of a coin with the reference turnover: sessions of a few minutes on chosen days do not give an unconditional rate"),
    "liquidation_size_exponent": (0.5, "growth of forced orders with the coin's turnover: 31 rows of BTC and ETH are too few"),
    "trade_size_exponent": (0.35, "growth of taker orders with the coin's turnover: only two instruments are recorded"),
    "trade_rate_exponent": (0.6, "growth of the rate of trades with the coin's turnover: as above"),
    "reversion": (0.00014, "pull to the start price per second, so that a long simulation stays in range"),
    "bankruptcy_gap": (0.015, "distance of the bankruptcy price from the fill: the tape has one price column"),
    "largest_order": (6000000.0, "cap of a taker order on the reference coin: a Pareto tail has no end, order books do"),
    "largest_liquidation": (1500000.0, "cap of a forced order on a coin with the tape's turnover: as above"),
}  # fmt: skip
"""Parameter -> (value, why the data cannot tell)."""
