"""How the alert process is doing, as figures: for the log, `/status`, and Prometheus. Pure.

Accumulators that are told what happened and asked at a time; they read no clock. Times are
Unix ms, counts are since the start unless a name says otherwise.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping

import msgspec

from teleglas import numbers
from ws_alert.messages import Kind, Outcome, OutcomeKind

__all__ = [
    "ERRORS_KEPT_MS",
    "FeedHealth",
    "HealthMonitor",
    "HealthStatus",
    "Metric",
    "SeriesHealth",
    "WayHealth",
]

ERRORS_KEPT_MS = 3_600_000
STALE_DATA_S = 60.0
"""Without any event for so long the process is not ready: every venue's canary ticks each second."""

_MOST_ERRORS = 10_000
_MOST_SERIES = 4
"""Named in the summary; `get_health_status` has all."""


class FeedHealth(msgspec.Struct, frozen=True):
    """One family of a venue's streams. event_age_s: None before the first event."""

    venue: str
    family: str
    state: str
    since_ms: int
    why: str = ""
    event_age_s: float | None = None


class SeriesHealth(msgspec.Struct, frozen=True):
    """One candle series of the scanner. name: `BTCUSDT 1m`. closed_ms: when its newest candle closed.

    missing: what keeps it from being judged whole, such as `warming up, 212 of 346`; empty if nothing does.
    """

    name: str
    closed_ms: int
    missing: str = ""


class WayHealth(msgspec.Struct, frozen=True):
    """One way out (`chat`, `mail`, `url`). tries: answers, an attempt that is repeated later included."""

    sent: int
    refused: int
    tries: int

    @property
    def rate(self) -> float:
        """Return the share of tries that were accepted, 1.0 without any."""
        return self.sent / self.tries if self.tries else 1.0


class Metric(msgspec.Struct, frozen=True):
    """One figure for Prometheus. kind: `counter` or `gauge`; labels in the order of their names."""

    name: str
    help: str
    kind: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class HealthStatus(msgspec.Struct, frozen=True):
    """Everything at one moment.

    alerts: sent ones by kind and direction (whose position, which taker, which signal).
    long_signals, short_signals: bullish and bearish confluences of the scanner.
    last_data_age_s: since the newest event of any feed. series: the scanner's candles. mail_rate: None before the first e-mail.
    problems: why it is not ready, empty if it is.
    """

    at_ms: int
    uptime_s: float
    inputs: int
    alerts: dict[str, dict[str, int]]
    long_signals: int
    short_signals: int
    feeds: tuple[FeedHealth, ...]
    series: tuple[SeriesHealth, ...]
    last_data_age_s: float | None
    errors_last_hour: int
    ways: dict[str, WayHealth]
    mail_rate: float | None
    waiting: int
    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Tell whether market data comes in and alerts can be stored."""
        return not self.problems


class HealthMonitor:
    """Collects from the first moment on; its memory does not grow with time."""

    def __init__(self, started_ms: int) -> None:
        self._started_ms = started_ms
        self._alerts: dict[str, Counter[str]] = {}
        self._ways: dict[str, Counter[OutcomeKind]] = {}
        self._errors: deque[int] = deque(maxlen=_MOST_ERRORS)
        self._feeds: tuple[FeedHealth, ...] = ()
        self._series: tuple[SeriesHealth, ...] = ()
        self._inputs = self._waiting = 0
        self._degraded: str | None = None

    def delivered(self, way: str, outcome: Outcome) -> None:
        """Count an answer to a new message."""
        self._ways.setdefault(way, Counter())[outcome.kind] += 1

    def failed(self, now_ms: int) -> None:
        """Count an error."""
        self._errors.append(now_ms)

    def observed(
        self,
        *,
        feeds: tuple[FeedHealth, ...],
        alerts: Mapping[tuple[str, str], int],
        inputs: int,
        waiting: int,
        degraded: str | None,
        series: tuple[SeriesHealth, ...] = (),
    ) -> None:
        """Take what others know.

        alerts: by (kind, direction), each once whoever gets it. inputs: so far. waiting:
        messages never sent yet. degraded: why the database is not used, None if it is.
        series: the scanner's candles.
        """
        self._series = series
        self._feeds, self._inputs, self._waiting, self._degraded = feeds, inputs, waiting, degraded
        self._alerts = {}
        for (kind, direction), count in alerts.items():
            self._alerts.setdefault(kind, Counter())[direction] += count

    def get_health_status(self, now_ms: int) -> HealthStatus:
        """Return everything as it is at this time."""
        while self._errors and self._errors[0] <= now_ms - ERRORS_KEPT_MS:
            self._errors.popleft()
        ages = [feed.event_age_s for feed in self._feeds if feed.event_age_s is not None]
        ways = {way: _way(counts) for way, counts in sorted(self._ways.items())}
        signals = self._alerts.get(Kind.CANDLE_CONFLUENCE.value, Counter())
        age = min(ages, default=None)
        return HealthStatus(
            at_ms=now_ms,
            uptime_s=max(0, now_ms - self._started_ms) / 1000,
            inputs=self._inputs,
            alerts={kind: dict(sorted(found.items())) for kind, found in sorted(self._alerts.items())},
            long_signals=signals["bullish"],
            short_signals=signals["bearish"],
            feeds=self._feeds,
            series=self._series,
            last_data_age_s=age,
            errors_last_hour=len(self._errors),
            ways=ways,
            mail_rate=ways["mail"].rate if "mail" in ways else None,
            waiting=self._waiting,
            problems=tuple(self._problems(age)),
        )

    def get_metrics(self, now_ms: int) -> tuple[Metric, ...]:
        """Return the same as figures for Prometheus."""
        return tuple(_metrics(self.get_health_status(now_ms)))

    def summary(self, now_ms: int) -> str:
        """Return one line for the log and for `/status`."""
        status = self.get_health_status(now_ms)
        up = sum(feed.state in {"live", "polling"} for feed in status.feeds)
        sent = sum(sum(found.values()) for found in status.alerts.values())
        parts = [
            f"up {numbers.span(round(status.uptime_s) * 1000)}",
            numbers.count(sent, "alert"),
            f"{status.long_signals} long and {status.short_signals} short signals",
            f"feeds {up} of {len(status.feeds)}",
            "no data yet"
            if status.last_data_age_s is None
            else f"last data {status.last_data_age_s:.1f} s ago",
            *_candles(status.series, now_ms),
            f"{numbers.count(status.errors_last_hour, 'error')} in the last hour",
        ]
        if status.mail_rate is not None:
            parts.append(f"e-mail {status.mail_rate:.0%} accepted")
        if status.waiting:
            parts.append(f"{status.waiting} waiting to be sent")
        return ", ".join([*parts, *status.problems])

    def _problems(self, age_s: float | None) -> Iterable[str]:
        if self._degraded is not None:
            yield "the database cannot be used"
        if not any(feed.state in {"live", "polling"} for feed in self._feeds):
            yield "no feed delivers"
        elif age_s is None or age_s > STALE_DATA_S:
            yield "no market data"


def _candles(series: tuple[SeriesHealth, ...], now_ms: int) -> Iterable[str]:
    if not series:
        return
    closed_ms = max(each.closed_ms for each in series)
    yield f"last candle closed {numbers.span(now_ms - closed_ms)} ago"
    short = [f"{each.name} {each.missing}" for each in series if each.missing]
    yield from short[:_MOST_SERIES]
    if len(short) > _MOST_SERIES:
        yield f"{len(short) - _MOST_SERIES} more series not whole"


def _way(counts: Mapping[OutcomeKind, int]) -> WayHealth:
    return WayHealth(
        sent=counts.get(OutcomeKind.SENT, 0),
        refused=counts.get(OutcomeKind.UNDELIVERABLE, 0),
        tries=sum(counts.values()),
    )


def _metrics(status: HealthStatus) -> Iterable[Metric]:
    yield Metric("teleglas_ready", "Whether data comes in and alerts can be stored", "gauge", status.ready)
    yield Metric("teleglas_uptime_seconds", "Time since the start", "gauge", status.uptime_s)
    yield Metric("teleglas_inputs", "Frames, bodies and ticks decided on", "counter", status.inputs)
    yield Metric("teleglas_errors_last_hour", "Errors logged", "gauge", status.errors_last_hour)
    yield Metric("teleglas_waiting", "Messages never sent yet", "gauge", status.waiting)
    if status.last_data_age_s is not None:
        yield Metric("teleglas_data_age_seconds", "Since the newest event", "gauge", status.last_data_age_s)
    for kind, directions in status.alerts.items():
        for direction, count in directions.items():
            labels = (("direction", direction), ("kind", kind))
            yield Metric("teleglas_alerts", "Alerts decided to be sent", "counter", count, labels)
    for feed in status.feeds:
        labels = (("family", feed.family), ("venue", feed.venue))
        up = {"live": 1.0, "polling": 0.5}.get(feed.state, 0.0)
        yield Metric("teleglas_feed_up", "1 streamed, 0.5 polled, 0 neither", "gauge", up, labels)
        if feed.event_age_s is not None:
            yield Metric(
                "teleglas_feed_age_seconds", "Since its newest event", "gauge", feed.event_age_s, labels
            )
    for each in status.series:
        age_s = max(0, status.at_ms - each.closed_ms) / 1000
        name = (("series", each.name),)
        yield Metric("teleglas_candle_age_seconds", "Since its newest candle closed", "gauge", age_s, name)
    for way, health in status.ways.items():
        for outcome, count in (
            ("sent", health.sent),
            ("refused", health.refused),
            ("again", health.tries - health.sent - health.refused),
        ):
            labels = (("outcome", outcome), ("way", way))
            yield Metric("teleglas_deliveries", "Answers to new messages", "counter", count, labels)
