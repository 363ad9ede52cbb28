"""An asset's own normal: its median minute of taker volume, and the q99.5 of each kind's window statistic. Pure.

SEMANTICS 12 and 13. One sample per asset, kind, side and UTC minute with activity: the
largest value in it of what the kind's rule measures, whether or not it fired.

- large_liquidation, by side: one liquidation, in the minute of its window time
- whale_trade, by side: one taker order at or above the whale floor, likewise
- liquidation_storm, by side: the window's sum at each liquidation that is judged, in the minute of H
- whale_cluster, by the larger side (buy if they are equal): the window's sum of both sides at
  each large order that is judged, in the minute of H

Minutes count since 1970. A minute is closed two minutes after it began, since events may
come a minute late; only closed minutes are history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final
from zlib import crc32

from teleglas.baselines import BaselineChange, StoredBaselines, merged
from teleglas.market import PositionSide, TakerSide
from ws_alert.messages import EventRow, Kind, Normal
from ws_alert.windows.baseline_rows import (
    AssetMinute,
    AssetRow,
    MinuteRow,
    decoded,
    encoded,
)
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.interest import InterestRows
from ws_alert.windows.minute_volumes import RING_MINUTES, Median, MinuteVolumes
from ws_alert.windows.sample_history import DAY_MINUTES, KEPT_DAYS, SampleHistory

__all__ = ["CLOSED_AFTER", "MINUTE_MS", "Baselines"]

MINUTE_MS: Final = 60_000

CLOSED_AFTER: Final = 2
"""Minutes from the start of a minute until no event can join it any more."""

_PROFILE_MINUTES: Final = 28 * DAY_MINUTES

_STATE_EVERY: Final = 60
"""Each asset's whole state is stored with one in so many minutes: a start needs no older minutes."""

_ROWS_KEPT: Final = 2 * _STATE_EVERY

_SERIES: Final = (
    (Kind.LARGE_LIQUIDATION, PositionSide.LONG.value),
    (Kind.LARGE_LIQUIDATION, PositionSide.SHORT.value),
    (Kind.LIQUIDATION_STORM, PositionSide.LONG.value),
    (Kind.LIQUIDATION_STORM, PositionSide.SHORT.value),
    (Kind.WHALE_TRADE, TakerSide.BUY.value),
    (Kind.WHALE_TRADE, TakerSide.SELL.value),
    (Kind.WHALE_CLUSTER, TakerSide.BUY.value),
    (Kind.WHALE_CLUSTER, TakerSide.SELL.value),
)
_PLACES: Final = {series: place for place, series in enumerate(_SERIES)}
_LARGE: Final = 0
_STORM: Final = 2
_WHALE: Final = 4
_CLUSTER: Final = 6

_BUY: Final = TakerSide.BUY
_SELL: Final = TakerSide.SELL
_LONG: Final = PositionSide.LONG
_SHORT: Final = PositionSide.SHORT
_SIDES: Final = {side.value: side for side in PositionSide}


class _Asset:
    """What is remembered of one asset. first: number of its first counted minute. last: its last minute with activity."""

    __slots__ = ("first", "last", "series", "slot", "volumes")

    def __init__(self, asset: str, first: int, minute: int) -> None:
        self.first = first
        self.last = minute
        self.slot = crc32(asset.encode()) % _STATE_EVERY
        self.volumes: MinuteVolumes | None = None
        self.series: list[SampleHistory | None] = [None] * len(_SERIES)

    def take(self, minute: int, volume: int, samples: Iterable[tuple[int, int]]) -> None:
        """Take what a later minute than all before brought."""
        self.last = minute
        if volume:
            if self.volumes is None:
                self.volumes = MinuteVolumes(minute)
            self.volumes.put(minute, volume)
        for place, usd in samples:
            known = self.series[place]
            if known is None:
                known = self.series[place] = SampleHistory()
            known.add(minute, usd)

    def row(self, asset: str, minute: int, serial: int) -> AssetRow:
        """Return the whole state at the end of a minute."""
        volumes = () if self.volumes is None else self.volumes.volumes(minute)
        day = minute // DAY_MINUTES
        series = tuple(None if known is None else known.row(day) for known in self.series)
        return AssetRow(asset, minute, serial, self.first, self.last, volumes, series)

    @classmethod
    def of(cls, row: AssetRow) -> _Asset:
        """Return the state that a row was made of."""
        found = cls(row.asset, row.first, row.last)
        if row.volumes:
            found.volumes = MinuteVolumes(row.minute, row.volumes)
        found.series = [None if known is None else SampleHistory.of(known) for known in row.series]
        return found


class Baselines:
    """All assets' normals. closed: the last closed minute, -1 before any.

    keeps: whether `kept` collects what is to be stored, until the reader takes it away.
    """

    def __init__(self) -> None:
        self.closed = -1
        self.keeps = False
        self.kept: BaselineChange | None = None
        self._assets: dict[str, _Asset] = {}
        self._open: dict[int, dict[str, list[int]]] = {}
        self._number = self._serial = 0
        self._looked = bytearray(RING_MINUTES)
        self._days = [0] * KEPT_DAYS
        self._rows: deque[int] = deque(maxlen=_ROWS_KEPT)
        self._left: set[str] = set()
        self._medians: dict[str, Median | None] = {}
        self._normals: dict[tuple[str, Kind, str], Normal | None] = {}

    # -- what is asked ------------------------------------------------------------------

    def traded(self) -> frozenset[str]:
        """Return the assets of which minutes of taker volume are remembered."""
        return frozenset(asset for asset, known in self._assets.items() if known.volumes is not None)

    def median(self, asset: str) -> Median | None:
        """Return the median taker volume of the asset's closed minutes of the last 24 hours, None without any.

        Minutes without a trade count as zero, from the asset's first minute on; those in
        which nobody looked do not count.
        """
        if asset not in self._medians:
            known = self._assets.get(asset)
            counted = 0 if known is None else min(self._history(known), sum(self._looked))
            volumes = None if known is None else known.volumes
            if not counted:
                self._medians[asset] = None
            else:
                self._medians[asset] = (
                    Median(0, counted) if volumes is None else volumes.median(self.closed, counted)
                )
        return self._medians[asset]

    def normal(self, asset: str, kind: Kind, side: str) -> Normal | None:
        """Return what is normal for one statistic now; None before 24 h of history, or without any sample.

        The exact q99.5 by nearest rank of the samples of today's closed minutes and of the seven UTC
        days before. After 28 days of history it is scaled by what is usual at this UTC hour
        of the week (see `SampleHistory.factor`).
        """
        key = (asset, kind, side)
        if key not in self._normals:
            self._normals[key] = self._normal(asset, _PLACES[kind, side])
        return self._normals[key]

    def _normal(self, asset: str, place: int) -> Normal | None:
        known = self._assets.get(asset)
        series = known.series[place] if known is not None else None
        if known is None or series is None:
            return None
        history = self._history(known)
        minutes = min(history, sum(self._days))
        usd = series.quantile(self.closed // DAY_MINUTES)
        if minutes < DAY_MINUTES or usd is None:
            return None
        if history >= _PROFILE_MINUTES:
            usd = usd * series.factor((self.closed + CLOSED_AFTER) // 60) // 1000
        return Normal(usd, minutes // 60)

    def _history(self, known: _Asset) -> int:
        return self._number - known.first + 1

    # -- what fills it ------------------------------------------------------------------

    def liquidated(self, events: AssetEvents, row: EventRow, timely: bool) -> None:
        """Note a liquidation; timely: its window, which stands at H, is judged too."""
        short = row.side == _SHORT
        usd, at_ms = row.usd, row.event_ms
        if not timely:
            self._note(events.asset, _LARGE + short, at_ms, usd)
            return
        newest_ms, window = events.tape.newest_ms, events.liquidations[_SHORT if short else _LONG].usd
        minute = at_ms // MINUTE_MS
        if minute != newest_ms // MINUTE_MS:
            self._note(events.asset, _LARGE + short, at_ms, usd)
            self._note(events.asset, _STORM + short, newest_ms, window)
            return
        if events.samples_minute != minute:
            events.samples, events.samples_minute = self._largest(events.asset, minute), minute
        largest = events.samples
        # told of every liquidation: max() costs twice as much
        if usd > largest[_LARGE + short]:  # noqa: PLR1730
            largest[_LARGE + short] = usd
        if window > largest[_STORM + short]:  # noqa: PLR1730
            largest[_STORM + short] = window

    def ordered(self, events: AssetEvents, row: EventRow, *, timely: bool) -> None:
        """Note a taker order at or above the whale floor; timely: its window, which stands at H, is judged too."""
        sold = row.side == _SELL
        self._note(events.asset, _WHALE + sold, row.event_ms, row.usd)
        if timely:
            buy, sell = events.orders[_BUY].usd, events.orders[_SELL].usd
            self._note(events.asset, _CLUSTER + (sell > buy), events.newest_ms, buy + sell)

    def _note(self, asset: str, place: int, at_ms: int, usd: int) -> None:
        largest = self._largest(asset, at_ms // MINUTE_MS)
        largest[place] = max(largest[place], usd)

    def _largest(self, asset: str, minute: int) -> list[int]:
        """Return the samples of a minute so far, one for each series; of a closed one what nobody reads."""
        if minute <= self.closed:
            return [0] * len(_SERIES)
        opened = self._open.get(minute)
        if opened is None:
            opened = self._open[minute] = {}
        largest = opened.get(asset)
        if largest is None:
            largest = opened[asset] = [0] * len(_SERIES)
        return largest

    def close(
        self, minute: int, volumes: Iterable[tuple[str, int]], *, looked: bool, interest: InterestRows | None
    ) -> None:
        """Make history of a minute that no event can join any more.

        volumes: taker volume by asset. looked: whether anything that was traded could have been
        seen; otherwise the minute counts neither as history nor as zero. interest: what
        else is to be stored with it. A minute that is closed already (a restart's
        warm-up) changes nothing.
        """
        if minute <= self.closed:
            return
        opened = self._open.pop(minute, {})
        traded = {asset: usd for asset, usd in volumes if usd}
        active = sorted({*traded, *opened})
        self._medians.clear()
        self._normals.clear()
        counted = (looked or bool(traded)) and bool(active or self._assets)
        is_new_day = minute // DAY_MINUTES != self.closed // DAY_MINUTES
        self._pass(minute, counted=counted)
        brought = tuple(
            AssetMinute(
                asset,
                traded.get(asset, 0),
                tuple((place, usd) for place, usd in enumerate(opened.get(asset, ())) if usd),
            )
            for asset in active
        )
        for each in brought:
            self._take(each, counted=counted)
        gone = self._forget() if is_new_day else ()
        if self.keeps and (counted or brought or gone or interest):
            self._keep(brought, gone, counted=counted, interest=interest or InterestRows())

    def skip(self, minute: int) -> None:
        """Let time pass up to the end of a minute: those that are not closed yet are no history."""
        if minute > self.closed:
            self._medians.clear()
            self._normals.clear()
            self._pass(minute, counted=False)

    def _pass(self, minute: int, *, counted: bool) -> None:
        """Bring the market's own figures to a minute; those that were skipped are no history."""
        oldest = max(self.closed + 1, minute - RING_MINUTES + 1)
        for passed in range(oldest, minute):
            self._looked[passed % RING_MINUTES] = 0
        self._looked[minute % RING_MINUTES] = counted
        day = minute // DAY_MINUTES
        for passed in range(max(self.closed // DAY_MINUTES + 1, day - KEPT_DAYS + 1), day + 1):
            self._days[passed % KEPT_DAYS] = 0
        self._days[day % KEPT_DAYS] += counted
        self._number += counted
        self.closed = minute
        self._open = {opened: found for opened, found in self._open.items() if opened > minute}

    def _take(self, each: AssetMinute, *, counted: bool) -> None:
        known = self._assets.get(each.asset)
        if known is None:
            first = self._number if counted else self._number + 1
            known = self._assets[each.asset] = _Asset(each.asset, first, self.closed)
        known.take(self.closed, each.volume, each.samples)

    def _forget(self) -> tuple[str, ...]:
        """Forget assets of which nothing can be asked any more: silent for eight days."""
        oldest = (self.closed // DAY_MINUTES - KEPT_DAYS + 1) * DAY_MINUTES
        gone = tuple(sorted(asset for asset, known in self._assets.items() if known.last < oldest))
        for asset in gone:
            del self._assets[asset]
        return gone

    # -- memory -------------------------------------------------------------------------

    def _keep(
        self,
        brought: tuple[AssetMinute, ...],
        gone: tuple[str, ...],
        *,
        counted: bool,
        interest: InterestRows,
    ) -> None:
        """Collect the minute, and the whole states of a sixtieth of the assets."""
        self._serial += 1
        self._rows.append(self.closed)
        row = MinuteRow(
            self.closed, self._serial, self._number, counted, bytes(self._looked), tuple(self._days),
            brought, gone, interest,
        )  # fmt: skip
        slot = self._serial % _STATE_EVERY
        states = [
            known.row(asset, self.closed, self._serial)
            for asset, known in sorted(self._assets.items())
            if known.slot == slot
        ]
        self.kept = merged(self.kept, encoded(row, states, sorted({*gone, *self._left}), self._rows[0]))
        self._left = set()

    def restore(self, stored: StoredBaselines) -> tuple[list[InterestRows], int]:
        """Go on from what was stored, before anything else is fed.

        Returns what else was kept with it, and how many rows of another version were left out.
        """
        minutes, states, unreadable = decoded(stored)
        self._left = {asset for asset, _ in stored.assets}
        if not minutes:
            return [], unreadable
        newest = minutes[-1]
        # an older state was left by an asset that was forgotten meanwhile
        whole = {row.asset: row for row in states if row.serial > newest.serial - _STATE_EVERY}
        self._left.difference_update(whole)
        self._assets = {asset: _Asset.of(row) for asset, row in whole.items()}
        for row in minutes:
            self._number, self.closed = row.number, row.minute
            for each in row.assets:
                state = whole.get(each.asset)
                if state is None or row.minute > state.minute:
                    self._take(each, counted=row.counted)
            for asset in row.gone:
                if asset not in whole or row.minute > whole[asset].minute:
                    self._assets.pop(asset, None)
        self._serial = newest.serial
        self._looked, self._days = bytearray(newest.looked), list(newest.days)
        self._rows.extend([row.minute for row in minutes])
        return [row.interest for row in minutes], unreadable
