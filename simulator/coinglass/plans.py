"""CoinGlass's keys, plans and refusals (docs.coinglass.com v4; observed answers where they differ)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["DEFAULT_KEYS", "PLANS", "Account", "Plan", "refusal"]


@dataclass(frozen=True, slots=True)
class Plan:
    """rank: plans in order. per_minute: requests allowed. shortest_interval_min: floor of histories."""

    rank: int
    per_minute: int
    shortest_interval_min: int


PLANS = {
    "HOBBYIST": Plan(0, 30, 240),
    "STARTUP": Plan(1, 80, 30),
    "STANDARD": Plan(2, 300, 1),
    "PROFESSIONAL": Plan(3, 1200, 1),
}

DEFAULT_KEYS = {f"simulated-{name.lower()}": name for name in PLANS}
"""Keys that exist unless others are given."""

_REFUSALS = {
    "key_missing": ("401", "API key missing."),
    "key_invalid": ("400", "Invalid API key provided"),
    "upgrade_plan": ("401", "Upgrade plan"),
    "interval": ("403", "The requested interval is not available for your current API plan."),
    "pair": ("400", "The requested pair does not exist on the exchange. Please check the documentation to view supported pairs."),
    "endpoint": ("404", "Endpoint not found. Please refer to the API documentation: https://docs.coinglass.com"),
    "rate": ("429", "Too Many Requests"),
}  # fmt: skip


def refusal(reason: str) -> dict[str, Any]:
    """Return the body of a refusal; most come with HTTP status 200."""
    code, message = _REFUSALS[reason]
    return {"code": code, "msg": message}


@dataclass(slots=True)
class Account:
    """A key's plan and the requests of its current minute."""

    level: str
    used: int = 0
    minute: int = field(default=-1)

    @property
    def plan(self) -> Plan:
        """The plan's limits."""
        return PLANS[self.level]

    def spend(self, now_ms: int) -> bool:
        """Count one request; return False when the minute's allowance is used up."""
        if now_ms // 60_000 != self.minute:
            self.minute, self.used = now_ms // 60_000, 0
        self.used += 1
        return self.used <= self.plan.per_minute

    def may_stream(self) -> bool:
        """Return whether the plan includes WebSocket channels."""
        return self.plan.rank >= PLANS["STANDARD"].rank
