"""Estimators of the market model's parameters, with numpy alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.fitting.tapes import Floats

__all__ = ["Hawkes", "Sizes", "bootstrap", "hawkes", "ks_exponential", "persistence", "size_law"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """A lognormal body cut off at `tail_from`, and above it a Pareto tail with `share` of all orders.

    ks: largest distance between the law's and the sample's distribution function.
    """

    log_mean: float
    log_sd: float
    share: float
    tail_from: float
    index: float
    ks: float


def size_law(usd: Floats, tail: float) -> Sizes:
    """Fit body and tail; `tail` is the share of the largest orders that the Pareto law takes (Hill)."""
    order = np.sort(usd)
    tail_from = float(np.quantile(order, 1.0 - tail))
    above = order[order > tail_from]
    index = float(1.0 / np.mean(np.log(above / tail_from)))
    share = len(above) / len(order)
    mean, sd = _cut_lognormal(np.log(order[order <= tail_from]), math.log(tail_from))
    full = _normal_cdf((math.log(tail_from) - mean) / sd)
    body = np.array([_normal_cdf((math.log(x) - mean) / sd) for x in order]) / full * (1.0 - share)
    law = np.where(order <= tail_from, body, 1.0 - share * (tail_from / order) ** index)
    ranks = np.arange(1, len(order) + 1) / len(order)
    return Sizes(mean, sd, share, tail_from, index, float(np.max(np.abs(law - ranks))))


def _cut_lognormal(logs: Floats, cut: float) -> tuple[float, float]:
    """Return (mean, sd) of a normal law truncated above at `cut` (moments, by fixed-point iteration)."""
    mean, sd = float(np.mean(logs)), float(np.std(logs))
    seen_mean, seen_var = mean, sd * sd
    for _ in range(200):
        z = (cut - mean) / sd
        hazard = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / max(_normal_cdf(z), 1e-12)
        mean = seen_mean + sd * hazard
        sd = math.sqrt(seen_var / max(1.0 - z * hazard - hazard * hazard, 0.05))
    return mean, sd


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


@dataclass(frozen=True, slots=True)
class Hawkes:
    """branching: further orders that one sets off. decay: 1/mean delay (1/s). ks: of the time-changed gaps."""

    branching: float
    decay: float
    ks: float


def hawkes(series: Sequence[tuple[Floats, float]], rounds: int = 60) -> Hawkes:
    """Fit a Hawkes process with an exponential kernel to several series by expectation-maximisation.

    series: per stretch and symbol the times of its events from the stretch's start, and its length (s).
    Each has a base rate of its own; branching and decay are common to all.
    """
    branching, decay = 0.5, 0.5
    base = [max(len(times), 1) / length / 2 for times, length in series]
    for _ in range(rounds):
        born = weighted = exposed = 0.0
        for place, (times, length) in enumerate(series):
            gaps = times[:, None] - times[None, :]
            kernel = np.where(gaps > 0, branching * decay * np.exp(-decay * np.maximum(gaps, 0.0)), 0.0)
            total = base[place] + kernel.sum(axis=1)
            parents = kernel / total[:, None]
            born += float(parents.sum())
            weighted += float((parents * gaps).sum())
            exposed += float(np.sum(1.0 - np.exp(-decay * (length - times))))
            base[place] = float(np.sum(base[place] / total)) / length
        branching, decay = born / exposed, born / weighted
    gaps_seen: list[float] = []
    for rate, (times, _) in zip(base, series, strict=True):
        since = times[:, None] - times[None, :]
        mass = np.where(since > 0, branching * (1.0 - np.exp(-decay * np.maximum(since, 0.0))), 0.0).sum(axis=1)
        gaps_seen.extend(np.diff(rate * times + mass).tolist())
    return Hawkes(branching, decay, ks_exponential(np.array(gaps_seen)))


def ks_exponential(gaps: Floats) -> float:
    """Return the Kolmogorov-Smirnov distance of a sample from the unit exponential law."""
    order = np.sort(gaps)
    ranks = np.arange(1, len(order) + 1) / len(order)
    return float(np.max(np.abs(1.0 - np.exp(-order) - ranks)))


def persistence(sign: Floats) -> float:
    """Return the probability that an order has the side of the one before it."""
    return float(np.mean(sign[1:] == sign[:-1]))


def bootstrap(count: int, estimate: Callable[[np.ndarray], Sequence[float]], block: int = 1, rounds: int = 200,
              seed: int = 1) -> list[tuple[float, float]]:  # fmt: skip
    """Return the 95 % interval of each number that `estimate` makes of resampled row numbers.

    Rows are drawn in runs of `block`, so that dependence within a run is kept.
    """
    draw = np.random.default_rng(seed)
    runs = max(count // block, 1)
    seen = []
    for _ in range(rounds):
        starts = draw.integers(0, max(count - block, 1), runs)
        rows = (starts[:, None] + np.arange(block)[None, :]).ravel()
        seen.append(list(estimate(np.minimum(rows, count - 1))))
    table = np.array(seen)
    return [(float(low), float(high)) for low, high in np.quantile(table, [0.025, 0.975], axis=0).T]
