"""The market over a span of time, summed up from our own tape and our own decisions. Pure.

Amounts are integer cents of forcibly closed POSITIONS (`long`, `short`), times Unix ms UTC.
A span is from_ms <= time < to_ms. What the tape did not see is told beside every sum.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from teleglas.tape import MINUTE_MS, Bar, Event, FeedMinute

__all__ = ["AssetPart", "Bucket", "FeedPart", "Found", "MarketRows", "MarketView", "VenuePart", "view"]

STORM = "liquidation_storm"

_PUBLISH_ALL = frozenset({"bybit"})
"""Venues whose own feed has every liquidation; all others publish a sample, and so does CoinGlass of any."""

_RELAYS = frozenset({"coinglass"})
_FULL_PERCENT = 95
_TOP = 5


class Found(msgspec.Struct, frozen=True):
    """An episode that our detectors found, whether or not it was told.

    episode_ms: its start. usd: the largest sum that was decided on; ended: that is its final total.
    """

    kind: str
    asset: str
    direction: str
    episode_ms: int
    usd: int
    ended: bool = False


class MarketRows(msgspec.Struct, frozen=True):
    """What the database holds of a span.

    bars: liquidations; `minute_ms` is the start of its bucket. minutes: of the feeds of liquidations.
    found: rows of one episode may be several. settled_ms: until when the minutes are
    complete, since the newest ones may not be recorded yet.
    """

    from_ms: int
    to_ms: int
    bucket_ms: int
    settled_ms: int
    bars: tuple[Bar, ...] = ()
    largest: Event | None = None
    found: tuple[Found, ...] = ()
    minutes: tuple[FeedMinute, ...] = ()


class VenuePart(msgspec.Struct, frozen=True):
    """What was liquidated on one venue."""

    venue: str
    long_usd: int
    short_usd: int


class AssetPart(msgspec.Struct, frozen=True):
    """What was liquidated of one asset."""

    asset: str
    long_usd: int
    short_usd: int

    @property
    def usd(self) -> int:
        """Both sides."""
        return self.long_usd + self.short_usd


class Bucket(msgspec.Struct, frozen=True):
    """What was liquidated from open_ms on."""

    open_ms: int
    long_usd: int
    short_usd: int

    @property
    def usd(self) -> int:
        """Both sides."""
        return self.long_usd + self.short_usd


class FeedPart(msgspec.Struct, frozen=True):
    """For how long of the span a feed of liquidations was complete."""

    venue: str
    live_ms: int


class MarketView(msgspec.Struct, frozen=True):
    """The market over a span.

    count: liquidations. assets: with any liquidation; storm_assets: those of them in which a
    storm began. kinds: episodes that began, by kind, most first. storm: the largest of them.
    largest: the largest single liquidation, None if the tape noted none. top: the assets with
    the most. buckets: every one of the span, also empty ones. venues: most first. feeds: by
    name. gaps: (from, to) in which nothing at all was recorded. span_ms: of the feeds' share.
    sampled: a feed that publishes a sample contributed.
    """

    from_ms: int
    to_ms: int
    bucket_ms: int
    long_usd: int
    short_usd: int
    count: int
    sampled: bool
    assets: int
    storm_assets: int
    kinds: tuple[tuple[str, int], ...]
    storm: Found | None
    largest: Event | None
    top: tuple[AssetPart, ...]
    buckets: tuple[Bucket, ...]
    venues: tuple[VenuePart, ...]
    feeds: tuple[FeedPart, ...]
    gaps: tuple[tuple[int, int], ...]
    span_ms: int

    @property
    def usd(self) -> int:
        """Both sides."""
        return self.long_usd + self.short_usd

    @property
    def live_ms(self) -> int:
        """How long the feeds were complete, added up."""
        return sum(feed.live_ms for feed in self.feeds)

    @property
    def coverage_percent(self) -> int:
        """Share of the span in which the feeds were complete, cut to whole percent; 0 without feeds."""
        whole = self.span_ms * len(self.feeds)
        return min(100, self.live_ms * 100 // whole) if whole > 0 else 0

    @property
    def is_short(self) -> bool:
        """Whether less than 95 % was seen, so that even counts are lower bounds."""
        return self.live_ms * 100 < _FULL_PERCENT * self.span_ms * len(self.feeds) or not self.feeds

    @property
    def at_least(self) -> bool:
        """Whether the sums are lower bounds."""
        return self.sampled or self.is_short

    @property
    def is_blind(self) -> bool:
        """Whether nothing was seen at all, so that a zero would say nothing."""
        return self.live_ms == 0 and self.count == 0

    @property
    def storms(self) -> int:
        """How many storms began."""
        return dict(self.kinds).get(STORM, 0)

    @property
    def long_share(self) -> float | None:
        """Longs' share of both sides, 0..1; None if nothing was liquidated."""
        return self.long_usd / self.usd if self.usd else None

    @property
    def ratio(self) -> float | None:
        """Longs divided by shorts; None without shorts."""
        return self.long_usd / self.short_usd if self.short_usd else None

    @property
    def busiest(self) -> Bucket | None:
        """The bucket with the most, the first of equal ones; None if all are empty."""
        most = max(self.buckets, key=lambda bucket: bucket.usd, default=None)
        return most if most is not None and most.usd else None


def view(rows: MarketRows) -> MarketView:
    """Sum up a span."""
    assets = {bar.asset for bar in rows.bars}
    found = _episodes(rows)
    storms = [each for each in found if each.kind == STORM]
    storm_assets = {each.asset for each in storms}
    kinds: dict[str, int] = {}
    for each in found:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    feeds = _feeds(rows)
    relayed = any(feed.venue in _RELAYS for feed in feeds)
    by_asset = _sums((bar.asset, bar) for bar in rows.bars)
    by_venue = _sums((bar.venue, bar) for bar in rows.bars)
    long_usd, short_usd = (sum(sides[at] for sides in by_venue.values()) for at in (0, 1))
    return MarketView(
        from_ms=rows.from_ms,
        to_ms=rows.to_ms,
        bucket_ms=rows.bucket_ms,
        long_usd=long_usd,
        short_usd=short_usd,
        count=sum(bar.count for bar in rows.bars),
        sampled=bool(rows.bars) and (relayed or not by_venue.keys() <= _PUBLISH_ALL),
        # A storm's liquidations may lie just before the span that its start lies in.
        assets=len(assets | storm_assets),
        storm_assets=len(storm_assets),
        kinds=tuple(sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))),
        storm=max(storms, key=lambda each: (each.usd, -each.episode_ms, each.asset), default=None),
        largest=rows.largest,
        top=tuple(AssetPart(name, *sides) for name, sides in _ranked(by_asset)[:_TOP]),
        buckets=_buckets(rows),
        venues=tuple(VenuePart(name, *sides) for name, sides in _ranked(by_venue)),
        feeds=feeds,
        gaps=_gaps(rows),
        span_ms=max(0, _settled(rows) - rows.from_ms),
    )


def _episodes(rows: MarketRows) -> list[Found]:
    """Return what began within the span, each episode once, with what was decided on it last."""
    merged: dict[tuple[str, str, str, int], Found] = {}
    for each in rows.found:
        if not rows.from_ms <= each.episode_ms < rows.to_ms:
            continue
        key = (each.kind, each.asset, each.direction, each.episode_ms)
        before = merged.get(key, each)
        merged[key] = Found(*key, max(before.usd, each.usd), before.ended or each.ended)
    return list(merged.values())


def _sums(bars: Iterable[tuple[str, Bar]]) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for name, bar in bars:
        longs, shorts = sums.get(name, (0, 0))
        sums[name] = (longs + bar.usd, shorts) if bar.side == "long" else (longs, shorts + bar.usd)
    return sums


def _ranked(sums: dict[str, tuple[int, int]]) -> list[tuple[str, tuple[int, int]]]:
    return sorted(sums.items(), key=lambda pair: (-sum(pair[1]), pair[0]))


def _buckets(rows: MarketRows) -> tuple[Bucket, ...]:
    sums: dict[int, list[int]] = {at: [0, 0] for at in range(rows.from_ms, rows.to_ms, rows.bucket_ms)}
    for bar in rows.bars:
        at = bar.minute_ms - (bar.minute_ms - rows.from_ms) % rows.bucket_ms
        if at in sums:
            sums[at][bar.side != "long"] += bar.usd
    return tuple(Bucket(at, longs, shorts) for at, (longs, shorts) in sums.items())


def _settled(rows: MarketRows) -> int:
    end = min(rows.to_ms, rows.settled_ms)
    return max(rows.from_ms, end - (end - rows.from_ms) % MINUTE_MS)


def _feeds(rows: MarketRows) -> tuple[FeedPart, ...]:
    end = _settled(rows)
    live: dict[str, int] = {}
    for row in rows.minutes:
        inside = rows.from_ms <= row.minute_ms < end
        live[row.venue] = live.get(row.venue, 0) + (row.live_ms if inside else 0)
    return tuple(FeedPart(venue, ms) for venue, ms in sorted(live.items()))


def _gaps(rows: MarketRows) -> tuple[tuple[int, int], ...]:
    recorded = {row.minute_ms for row in rows.minutes}
    gaps: list[tuple[int, int]] = []
    for minute in range(rows.from_ms, _settled(rows), MINUTE_MS):
        if minute in recorded:
            continue
        if gaps and gaps[-1][1] == minute:
            gaps[-1] = (gaps[-1][0], minute + MINUTE_MS)
        else:
            gaps.append((minute, minute + MINUTE_MS))
    return tuple(gaps)
