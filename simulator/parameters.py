"""The numbers of the market model: what was fitted, on which file, how well; and what is assumed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Parameters", "load", "provenance"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Estimates of `parameters.toml`; the file tells source, interval and fit of each.

    Sizes are USD of one order on the tape that the parameter was fitted on; `*_log_*` are natural
    logarithms, times are seconds, returns are fractions.
    """

    liquidation_log_mean: float
    liquidation_log_sd: float
    liquidation_tail_share: float
    liquidation_tail_from: float
    liquidation_tail_index: float
    hawkes_branching: float
    hawkes_decay: float
    liquidation_same_side: float
    trade_log_mean: float
    trade_log_sd: float
    trade_tail_share: float
    trade_tail_from: float
    trade_tail_index: float
    trade_same_side: float
    trade_rate: float
    impact: float
    volatility: float
    whale_children: float
    whale_gap: float
    whale_same_side: float
    liquidation_base_rate: float
    liquidation_size_exponent: float
    trade_size_exponent: float
    trade_rate_exponent: float
    reversion: float
    bankruptcy_gap: float
    largest_order: float
    largest_liquidation: float


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(files("simulator").joinpath("parameters.toml").read_text(encoding="utf-8"))


def load() -> Parameters:
    """Return the committed parameters."""
    document = _document()
    return Parameters(**{field.name: float(document[field.name]["estimate"]) for field in fields(Parameters)})


def provenance() -> dict[str, dict[str, Any]]:
    """Return for each parameter its entry in `parameters.toml`: `source`, or `assumed` with the reason."""
    return dict(_document())
