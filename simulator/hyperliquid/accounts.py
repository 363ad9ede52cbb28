"""Who trades on Hyperliquid and what they hold: `clearinghouseState` in the shape of its documents (2026).

Every trade names both parties; a few accounts take most. Amounts and sizes are strings, and a cross
position that other money covers has no liquidation price.
"""

from __future__ import annotations

import hashlib
import random
import re
from typing import Any

from simulator.figures import Figures

__all__ = ["Accounts", "is_address"]

_ACCOUNTS, _HOLDINGS, _DAY_MS = 60, 4, 86_400_000
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_LEVERAGES, _MOST_LEVERAGE = (3, 5, 10, 20), 40
_MAINTENANCE = 0.5 / _MOST_LEVERAGE


class Accounts:
    """The accounts of one simulated exchange; each holds a few coins, the larger coins more often."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._numbers = {_address(number): number for number in range(_ACCOUNTS)}

    def parties(self, trade: str) -> tuple[str, str]:
        """Return the buyer's and the seller's address of a trade, told by its name."""
        buyer, seller = random.Random(f"parties {trade}").sample(range(_ACCOUNTS), 2)
        return _address(buyer), _address(seller)

    def state(self, address: str) -> dict[str, Any]:
        """Return the clearinghouse state; an unknown address holds nothing."""
        number = self._numbers.get(address.lower())
        held = [] if number is None else self._holdings(number)
        worth = sum(float(row["position"]["positionValue"]) for row in held)
        used = sum(float(row["position"]["marginUsed"]) for row in held)
        debt = sum(
            float(row["position"]["positionValue"]) * (1 if float(row["position"]["szi"]) > 0 else -1)
            for row in held
        )
        value = used * 2.5
        cross = [row["position"] for row in held if row["position"]["leverage"]["type"] == "cross"]
        summary = {
            "accountValue": f"{value:.6f}", "totalNtlPos": f"{worth:.6f}", "totalRawUsd": f"{value - debt:.6f}",
            "totalMarginUsed": f"{used:.6f}",
        }  # fmt: skip
        kept = sum(float(position["positionValue"]) for position in cross) * _MAINTENANCE
        return {
            "marginSummary": summary, "crossMarginSummary": summary, "crossMaintenanceMarginUsed": f"{kept:.6f}",
            "withdrawable": f"{value - used:.6f}", "assetPositions": held, "time": self._figures.now(),
        }  # fmt: skip

    def _holdings(self, number: int) -> list[dict[str, Any]]:
        dice = random.Random(f"account {number}")
        symbols = list(self._figures.contracts)
        weights = [self._figures.contracts[symbol].asset.turnover for symbol in symbols]
        chosen = dict.fromkeys(dice.choices(symbols, weights, k=_HOLDINGS))
        return [{"type": "oneWay", "position": self._position(symbol, dice)} for symbol in chosen]

    def _position(self, symbol: str, dice: random.Random) -> dict[str, Any]:
        contract, now = self._figures.contracts[symbol], self._figures.now()
        ledger, decimals = self._figures.ledger, contract.listing.price_decimals
        opened = now // _DAY_MS * _DAY_MS - round(dice.uniform(0.1, 6) * _DAY_MS)
        entry = ledger.price(contract.asset, opened, now) * contract.listing.scale
        size = 2e4 * dice.paretovariate(0.55) / entry * dice.choice((1, -1))
        worth, leverage = abs(size) * self._figures.price(symbol), dice.choice(_LEVERAGES)
        profit = size * (self._figures.price(symbol) - entry)
        isolated, covered = dice.random() < 0.2, dice.random() < 0.3
        end = entry * (1 - 0.9 / leverage if size > 0 else 1 + 0.9 / leverage)
        margin: dict[str, Any] = {"type": "isolated" if isolated else "cross", "value": leverage}
        if isolated:
            margin["rawUsd"] = f"{worth / leverage - size * entry:.6f}"
        paid = f"{worth * 0.0003:.6f}"
        return {
            "coin": symbol, "szi": f"{size:.5f}", "leverage": margin, "entryPx": f"{entry:.{decimals}f}",
            "positionValue": f"{worth:.6f}", "unrealizedPnl": f"{profit:.6f}",
            "returnOnEquity": f"{profit / (worth / leverage):.10f}",
            "liquidationPx": None if covered and not isolated else f"{end:.{decimals}f}",
            "marginUsed": f"{worth / leverage:.6f}", "maxLeverage": _MOST_LEVERAGE,
            "cumFunding": {"allTime": paid, "sinceOpen": paid, "sinceChange": "0.0"},
        }  # fmt: skip


def is_address(text: object) -> bool:
    """Return whether a question's user is an address at all."""
    return isinstance(text, str) and _ADDRESS.fullmatch(text) is not None


def _address(number: int) -> str:
    return "0x" + hashlib.sha256(f"hyperliquid account {number}".encode()).hexdigest()[:40]
