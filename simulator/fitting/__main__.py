"""Fit the market model on the recorded tapes and print `parameters.toml`.

Run from the checkout: `TELEGLAS_SHARED=../shared python -m simulator.fitting > simulator/parameters.toml`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.fitting.assumptions import ASSUMED
from simulator.fitting.estimators import bootstrap, hawkes, persistence, size_law
from simulator.fitting.tapes import LIQUIDATIONS, TRADES, Floats, Tape, merged, read

_SESSION_GAP_S = 180.0
"""A longer silence of the whole tape is a stop of the recorder, not of the market."""

_SAMPLED = "Binance prints at most one order per symbol and second: small gaps and sums are cut off"


@dataclass(frozen=True, slots=True)
class Fitted:
    """One entry of the parameter file."""

    name: str
    estimate: float
    interval: tuple[float, float]
    source: str
    fit: str


def _sizes(prefix: str, tape: Tape, source: str, tail: float, block: int) -> Iterator[Fitted]:
    law = size_law(tape.usd, tail)

    def again(rows: np.ndarray) -> Sequence[float]:
        drawn = size_law(tape.usd[rows], tail)
        return drawn.log_mean, drawn.log_sd, drawn.share, drawn.tail_from, drawn.index

    intervals = bootstrap(len(tape.usd), again, block, rounds=60)
    fit = f"KS {law.ks:.4f}, n={len(tape.usd)}"
    names = ("log_mean", "log_sd", "tail_share", "tail_from", "tail_index")
    values = (law.log_mean, law.log_sd, law.share, law.tail_from, law.index)
    for name, value, interval in zip(names, values, intervals, strict=True):
        yield Fitted(f"{prefix}_{name}", value, interval, source, fit)


def _series(tape: Tape) -> list[tuple[Floats, float]]:
    """Return per recorder session and symbol the event times from the session's start, and its length."""
    cuts = np.where(np.diff(tape.seconds) > _SESSION_GAP_S)[0] + 1
    series = []
    for rows in np.split(np.arange(len(tape.seconds)), cuts):
        start, length = tape.seconds[rows[0]], tape.seconds[rows[-1]] - tape.seconds[rows[0]]
        for symbol in np.unique(tape.symbols[rows]):
            times = tape.seconds[rows][tape.symbols[rows] == symbol] - start
            if len(times) > 1 and length > 60:
                series.append((times, length))
    return series


def _same_side(tape: Tape) -> list[float]:
    """Return 1.0 or 0.0 for each forced order within 60 s of the symbol's last one: same side or not."""
    last: dict[str, tuple[float, float]] = {}
    same = []
    for at, symbol, sign in zip(tape.seconds.tolist(), tape.symbols.tolist(), tape.sign.tolist(), strict=True):
        before = last.get(symbol)
        if before is not None and at - before[0] <= 60.0:
            same.append(float(before[1] == sign))
        last[symbol] = at, sign
    return same


def _liquidations() -> Iterator[Fitted]:
    tape = read(LIQUIDATIONS)
    yield from _sizes("liquidation", tape, LIQUIDATIONS, tail=0.05, block=1)
    series = _series(tape)
    fitted = hawkes(series)

    def again(rows: np.ndarray) -> Sequence[float]:
        drawn = hawkes([series[row] for row in rows], rounds=25)
        return drawn.branching, drawn.decay

    branching, decay = bootstrap(len(series), again, rounds=40)
    fit = f"KS of time-changed gaps {fitted.ks:.4f}, {len(series)} series; {_SAMPLED}"
    yield Fitted("hawkes_branching", fitted.branching, branching, LIQUIDATIONS, fit)
    yield Fitted("hawkes_decay", fitted.decay, decay, LIQUIDATIONS, fit)
    same = np.array(_same_side(tape))
    (interval,) = bootstrap(len(same), lambda rows: [float(np.mean(same[rows]))], block=10)
    yield Fitted("liquidation_same_side", float(np.mean(same)), interval, LIQUIDATIONS,
                 f"share of {len(same)} pairs of one symbol within 60 s; one-sided sessions raise it")  # fmt: skip


def _seconds(tape: Tape) -> tuple[Floats, Floats]:
    """Return per second with trades the summed signed square roots of USD, and the log return."""
    second = (tape.seconds - tape.seconds[0]).astype(int)
    push = np.bincount(second, tape.sign * np.sqrt(tape.usd))
    last = np.zeros(len(push))
    last[second] = np.log(tape.price)
    return push[last != 0][1:], np.diff(last[last != 0])


def _impact(push: Floats, returns: Floats) -> tuple[float, float]:
    """Return (impact, what is left): the regression of returns on pushes through the origin."""
    slope = float(push @ returns / (push @ push))
    return slope, float(np.std(returns - slope * push))


def _reaction(tape: Tape, source: str) -> Iterator[Fitted]:
    push, returns = _seconds(tape)
    slope, rest = _impact(push, returns)
    impact, noise = bootstrap(len(push), lambda rows: _impact(push[rows], returns[rows]), block=10)
    r2 = 1.0 - rest * rest / float(np.var(returns))
    yield Fitted("impact", slope, impact, source, f"R2 {r2:.3f} of {len(push)} returns over 1 s on signed root USD")
    yield Fitted("volatility", rest, noise, source, "standard deviation of what impact leaves, per root second")


def _trades() -> Iterator[Fitted]:
    tape, source = merged(read(TRADES[0])), TRADES[0]
    yield from _sizes("trade", tape, source, tail=0.01, block=100)
    count = len(tape.usd)
    (interval,) = bootstrap(count, lambda rows: [persistence(tape.sign[rows])], block=100, rounds=60)
    other = persistence(merged(read(TRADES[1])).sign)
    yield Fitted("trade_same_side", persistence(tape.sign), interval, source,
                 f"share of {count} pairs, fills merged; {other:.3f} on {TRADES[1]}")  # fmt: skip
    length = tape.seconds[-1] - tape.seconds[0]
    per_second = np.bincount((tape.seconds - tape.seconds[0]).astype(int)).astype(float)
    (interval,) = bootstrap(len(per_second), lambda rows: [float(np.mean(per_second[rows]))], block=10)
    spread = float(np.var(per_second) / np.mean(per_second))
    yield Fitted("trade_rate", count / length, interval, source,
                 f"fills merged; variance/mean of counts per second {spread:.0f}: real trades come in bursts, the model (1) only in its groups of large orders")  # fmt: skip
    yield from _reaction(tape, source)


def main() -> None:
    """Print the parameter file."""
    out = ["# Written by `python -m simulator.fitting`; do not edit by hand.", ""]
    for fitted in (*_liquidations(), *_trades()):
        low, high = fitted.interval
        out += [f"[{fitted.name}]", f"estimate = {fitted.estimate:.6g}", f"interval = [{low:.6g}, {high:.6g}]",
                f'source = "{fitted.source}"', f'fit = "{fitted.fit}"', ""]  # fmt: skip
    for name, (value, why) in ASSUMED.items():
        out += [f"[{name}]", f"estimate = {value:.6g}", f'assumed = "{why}"', ""]
    sys.stdout.write("\n".join(out))


if __name__ == "__main__":
    main()
