"""What is normal for an asset, the slow way: every minute and every sample is kept, and sorted when asked."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, log2
from statistics import median

__all__ = ["SlowBaselines", "nearest_rank"]

DAY = 1440
WEEK_HOURS = 168


def nearest_rank(samples: list[int]) -> int | None:
    """Return q99.5: the smallest sample that at least 99.5 % of the samples do not exceed."""
    ranked = sorted(samples)
    return ranked[ceil(Fraction(995, 1000) * len(ranked)) - 1] if ranked else None


class SlowBaselines:
    """Minutes since 1970 as they are closed, one after another."""

    def __init__(self) -> None:
        self.closed = -1
        self.looked: set[int] = set()
        self.first: dict[str, int] = {}
        self.volumes: dict[tuple[str, int], int] = {}
        self.samples: dict[tuple[str, object, str], list[tuple[int, int]]] = {}

    def close(self, minute, volumes, samples, *, looked):
        """Take a minute. samples: {(asset, kind, side): usd}."""
        self.closed = minute
        if looked or any(volumes.values()):
            self.looked.add(minute)
        for asset in {asset for asset, usd in volumes.items() if usd} | {key[0] for key in samples}:
            self.first.setdefault(asset, minute)
        for asset, usd in volumes.items():
            self.volumes[asset, minute] = usd
        for key, usd in samples.items():
            self.samples.setdefault(key, []).append((minute, usd))

    def forget(self):
        """Drop assets without any activity since the seventh UTC day before this one."""
        oldest = (self.closed // DAY - 7) * DAY
        for asset in list(self.first):
            active = [minute for (name, minute), usd in self.volumes.items() if name == asset and usd]
            active += [minute for key, rows in self.samples.items() if key[0] == asset for minute, _ in rows]
            if max(active) < oldest:
                del self.first[asset]
                self.volumes = {key: usd for key, usd in self.volumes.items() if key[0] != asset}
                self.samples = {key: rows for key, rows in self.samples.items() if key[0] != asset}

    def median(self, asset):
        """Return (exact median, minutes), None without history."""
        if asset not in self.first:
            return None
        since = max(self.first[asset], self.closed - DAY + 1)
        minutes = [minute for minute in range(since, self.closed + 1) if minute in self.looked]
        if not minutes:
            return None
        return Fraction(median([Fraction(self.volumes.get((asset, minute), 0)) for minute in minutes])), len(
            minutes
        )

    def normal(self, key):
        """Return (q99.5, minutes of history within the eight days), None before a day of them."""
        asset = key[0]
        if asset not in self.first:
            return None
        oldest = (self.closed // DAY - 7) * DAY
        minutes = sum(minute >= max(oldest, self.first[asset]) for minute in self.looked)
        found = nearest_rank([usd for minute, usd in self.samples.get(key, ()) if minute >= oldest])
        return None if found is None or minutes < DAY else (found, minutes)

    def history(self, asset):
        """Return how many minutes of history there are in all."""
        return sum(minute >= self.first[asset] for minute in self.looked)

    def factor(self, key, hour):
        """Return the share of an hour of the week, by real numbers. hour: since 1970."""
        means, weights = [0.0] * WEEK_HOURS, [0] * WEEK_HOURS
        by_hour: dict[int, list[float]] = {}
        for minute, usd in self.samples.get(key, ()):
            by_hour.setdefault(minute // 60, []).append(log2(usd))
        for at in sorted(by_hour)[:-1]:
            logs, place = by_hour[at], (at + 72) % WEEK_HOURS
            before = weights[place] * 3 // 4
            weights[place] = before + len(logs)
            means[place] = (means[place] * before + sum(logs)) / weights[place]
        place = (hour + 72) % WEEK_HOURS
        if not weights[place]:
            return 1.0
        whole = sum(mean * weight for mean, weight in zip(means, weights, strict=True)) / sum(weights)
        distance = (means[place] - whole) * weights[place] / (weights[place] + 20)
        return min(2.0, max(0.5, 2**distance))
