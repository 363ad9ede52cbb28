"""Funding rates and open interest by asset: the rates that hold now, and half an hour of samples. Pure.

Both are states that a source tells again and again, so what counts is the newest of each
contract. Times are Unix ms, window times (SEMANTICS 3); open interest is single-sided, in
integer cents; a rate is a fraction per its own interval, positive where longs pay.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

__all__ = [
    "KEPT_MS",
    "POLL_MS",
    "AssetInterest",
    "FundingRow",
    "Interest",
    "InterestRow",
    "InterestRows",
    "Rate",
]

POLL_MS: Final = 60_000
"""So often the venues are asked; files tell for themselves how far their rows are apart."""

KEPT_MS: Final = 1_800_000
"""Samples of open interest stay so long behind the asset's newest one."""

FRESH_MS: Final = 600_000
"""An older sample says nothing of the open interest now."""

_POLLS_HELD: Final = 3
_MOST_SAMPLES: Final = 4_096
"""Of one contract: two a second for half an hour. Beyond it the oldest go first."""

_PERIOD_H: Final = 8

_Contract = tuple[str, str]
"""(venue, symbol)."""


class FundingRow(msgspec.Struct, frozen=True, array_like=True):
    """One rate as it was told.

    rate: a fraction per `interval_h` hours; positive: longs pay. every_ms: how often its
    source tells it, the same in all rows of a contract; it counts for three times that.
    """

    venue: str
    symbol: str
    asset: str
    at_ms: int
    rate: float
    interval_h: float
    every_ms: int = POLL_MS


class InterestRow(msgspec.Struct, frozen=True, array_like=True):
    """One open interest as it was told: single-sided, in cents."""

    venue: str
    symbol: str
    asset: str
    at_ms: int
    usd: int


class InterestRows(msgspec.Struct, frozen=True):
    """What arrived within some time, for a memory that outlives the process."""

    funding: tuple[FundingRow, ...] = ()
    interest: tuple[InterestRow, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.funding or self.interest)


class Rate(NamedTuple):
    """A rate that holds. percent_8h: exact, of the number as the venue spelled it."""

    row: FundingRow
    percent_8h: Fraction


class _Series:
    """Samples of one contract, ascending; `told` of them were handed to the memory."""

    __slots__ = ("told", "usd", "when")

    def __init__(self) -> None:
        self.when = array("q")
        self.usd = array("q")
        self.told = 0

    def append(self, at_ms: int, usd: int) -> bool:
        """Take a sample if it is newer than all."""
        if self.when and at_ms <= self.when[-1]:
            return False
        self.when.append(at_ms)
        self.usd.append(usd)
        if len(self.when) > _MOST_SAMPLES:
            self._drop(1)
        return True

    def insert(self, at_ms: int, usd: int) -> None:
        """Take a sample of the memory, unless there is one of this time."""
        place = bisect_right(self.when, at_ms)
        if place and self.when[place - 1] == at_ms:
            return
        self.when.insert(place, at_ms)
        self.usd.insert(place, usd)
        self.told += 1

    def at(self, at_ms: int, oldest_ms: int) -> int | None:
        """Return the newest sample of [oldest_ms, at_ms]."""
        place = bisect_right(self.when, at_ms) - 1
        return self.usd[place] if place >= 0 and self.when[place] >= oldest_ms else None

    def trim(self, edge_ms: int) -> None:
        """Forget what is older than the edge."""
        if self.when and self.when[0] < edge_ms:
            self._drop(bisect_right(self.when, edge_ms - 1))

    def _drop(self, count: int) -> None:
        del self.when[:count]
        del self.usd[:count]
        self.told = max(0, self.told - count)


class AssetInterest:
    """Rates and open interest of one asset. `newest_ms`: of its newest sample of open interest, 0 without any."""

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self.newest_ms = 0
        self._rates: dict[_Contract, FundingRow] = {}
        self._untold: set[_Contract] = set()
        self._series: dict[_Contract, _Series] = {}

    def rates(self, now_ms: int) -> list[Rate]:
        """Return the rates that hold at this time, in no order."""
        return [Rate(row, percent_8h(row)) for row in self._rates.values() if _holds(row, now_ms)]

    def about(self) -> float:
        """Return the size of the largest rate in percent per 8 hours, whether or not it holds, but for rounding."""
        return (
            max((abs(row.rate) / row.interval_h for row in self._rates.values()), default=0.0)
            * 100
            * _PERIOD_H
        )

    def open_interest(self, venue: str, now_ms: int, symbol: str = "") -> int | None:
        """Return what is open on a venue (or of one of its contracts) now; None if no fresh sample says it."""
        found = [
            usd
            for (its_venue, its_symbol), series in self._series.items()
            if its_venue == venue and (not symbol or its_symbol == symbol)
            if (usd := series.at(now_ms, now_ms - FRESH_MS)) is not None
        ]
        return sum(found) if found else None

    def changes(self, from_ms: int, oldest_ms: int) -> dict[str, tuple[int, int]]:
        """Return each venue's open interest as (at from_ms, now), in no order.

        Summed over those of its contracts that have both: a sample of [oldest_ms, from_ms],
        and a fresh one. So a contract that begins to be watched is no rise.
        """
        now_ms, found = self.newest_ms, dict[str, tuple[int, int]]()
        for (venue, _), series in self._series.items():
            before = series.at(from_ms, oldest_ms)
            after = series.at(now_ms, now_ms - FRESH_MS)
            if before is not None and after is not None:
                known = found.get(venue, (0, 0))
                found[venue] = (known[0] + before, known[1] + after)
        return found

    # -- what fills it ------------------------------------------------------------------

    def fund(self, row: FundingRow) -> bool:
        """Take a rate if it is newer than the one of its contract."""
        key = (row.venue, row.symbol)
        known = self._rates.get(key)
        if known is not None and row.at_ms <= known.at_ms:
            return False
        self._rates[key] = row
        self._untold.add(key)
        return True

    def sample(self, row: InterestRow) -> bool:
        """Take an open interest if it is newer than the one of its contract."""
        series = self._series.setdefault((row.venue, row.symbol), _Series())
        self.newest_ms = max(self.newest_ms, row.at_ms)
        return series.append(row.at_ms, row.usd)

    def restore(self, row: FundingRow | InterestRow) -> None:
        """Take what the memory kept, in any order; what is known stays as it is."""
        if isinstance(row, FundingRow):
            if self.fund(row):
                self._untold.discard((row.venue, row.symbol))
            return
        self.newest_ms = max(self.newest_ms, row.at_ms)
        self._series.setdefault((row.venue, row.symbol), _Series()).insert(row.at_ms, row.usd)

    def untold(self) -> tuple[list[FundingRow], list[InterestRow]]:
        """Return what arrived since the last call, ascending by contract."""
        funding = [self._rates[key] for key in sorted(self._untold) if key in self._rates]
        self._untold.clear()
        interest = []
        for (venue, symbol), series in sorted(self._series.items()):
            for place in range(series.told, len(series.when)):
                row = InterestRow(venue, symbol, self.asset, series.when[place], series.usd[place])
                interest.append(row)
            series.told = len(series.when)
        return funding, interest

    def forget(self, now_ms: int) -> bool:
        """Drop what can decide nothing any more; return whether anything that held ceased to."""
        stale = [key for key, row in self._rates.items() if not _holds(row, now_ms)]
        for key in stale:
            del self._rates[key]
        silent = bool(self.newest_ms) and self.newest_ms < now_ms - KEPT_MS
        if silent:
            self._series.clear()
            self.newest_ms = 0
        for key, series in list(self._series.items()):
            series.trim(self.newest_ms - KEPT_MS)
            if not series.when:
                del self._series[key]
        return bool(stale) or silent

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not (self._rates or self._series)


class Interest:
    """All assets. What it knows after a restart is what `restore` and the journal's bodies give it."""

    def __init__(self) -> None:
        self._assets: dict[str, AssetInterest] = {}

    def of(self, asset: str) -> AssetInterest:
        """Return what is known of an asset."""
        found = self._assets.get(asset)
        if found is None:
            found = self._assets[asset] = AssetInterest(asset)
        return found

    def new_rows(self) -> InterestRows:
        """Return what arrived since the last call, each row once, for the memory."""
        funding: list[FundingRow] = []
        interest: list[InterestRow] = []
        for _, known in sorted(self._assets.items()):
            rates, samples = known.untold()
            funding += rates
            interest += samples
        return InterestRows(tuple(funding), tuple(interest))

    def restore(self, memories: Iterable[InterestRows]) -> None:
        """Take back what `new_rows` returned, in any order and as often as one likes."""
        for rows in memories:
            for rate in rows.funding:
                self.of(rate.asset).restore(rate)
            for sample in rows.interest:
                self.of(sample.asset).restore(sample)

    def forget(self, now_ms: int) -> list[str]:
        """Drop what is too old; return the assets whose figures changed by that."""
        changed = [asset for asset, known in sorted(self._assets.items()) if known.forget(now_ms)]
        self._assets = {asset: known for asset, known in self._assets.items() if not known.is_empty}
        return changed


def percent_8h(row: FundingRow) -> Fraction:
    """Return a rate in percent per 8 hours, exactly: a float is the number that its shortest spelling says."""
    return _exact(row.rate) * 100 * _PERIOD_H / _exact(row.interval_h)


@lru_cache(maxsize=4096)  # the same rates are measured again each minute
def _exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(value)))


def _holds(row: FundingRow, now_ms: int) -> bool:
    return now_ms - row.at_ms <= _POLLS_HELD * row.every_ms
