"""What the alert process has done since its start: for the log, the demo and the operator."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

import msgspec

from ws_alert.messages import Action, Verdict
from ws_alert.outbox.dispatcher import Deliveries

__all__ = ["Report", "Tally", "percentile"]

_KEPT = 20_000
_TOLD = 200
"""Alerts that are recognised when another target gets them too: their decisions come together."""


class Report(msgspec.Struct, frozen=True):
    """Counts since the start.

    Delays in ms: decision from a frame's arrival to its verdict, request from the release
    of an alert to the start of its request. pictures: added to messages; pictureless: messages that
    stand without theirs.
    lost: journalled records that could not be written, plus alerts that were committed
    and are neither told nor waiting nor refused.
    """

    inputs: int
    refused: dict[str, int]
    verdicts: dict[str, int]
    alerts: dict[str, int]
    sent: int
    edited: int
    pictures: int
    pictureless: int
    waiting: int
    undeliverable: int
    lost: int
    decision_ms_p50: float
    decision_ms_p99: float
    request_ms_p50: float
    request_ms_p99: float
    most_waiting_frames: int


class Tally:
    """Counts while the pipeline runs."""

    def __init__(self) -> None:
        self.inputs = 0
        self.verdicts: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()
        self.directions: Counter[tuple[str, str]] = Counter()
        self._told: deque[tuple[object, ...]] = deque(maxlen=_TOLD)
        self._decision_ms: deque[float] = deque(maxlen=_KEPT)

    def decided(self, frames: int, delay_s: float) -> None:
        """Count a batch whose oldest frame waited so long for its decision."""
        self.inputs += frames
        self._decision_ms.append(delay_s * 1000)

    def judged(self, verdicts: Iterable[Verdict]) -> None:
        """Count decisions by reason, alerts by kind, and by kind and direction once for all targets."""
        for verdict in verdicts:
            self.verdicts[f"{verdict.action.value} {verdict.reason}"] += 1
            if verdict.action is Action.SEND and verdict.alert is not None:
                self.alerts[verdict.kind.value] += 1
                found = verdict.confluence.timeframe if verdict.confluence else verdict.episode_ms
                event = (
                    verdict.kind,
                    verdict.asset,
                    verdict.direction,
                    verdict.event_ms,
                    found,
                    verdict.step,
                )
                if event not in self._told:
                    self._told.append(event)
                    self.directions[verdict.kind.value, verdict.direction] += 1

    def report(
        self,
        deliveries: Deliveries,
        refused: dict[str, int],
        *,
        waiting: int,
        undeliverable: int,
        lost: int,
        most: int,
    ) -> Report:
        """Return everything as it is now."""
        return Report(
            inputs=self.inputs,
            refused=refused,
            verdicts=dict(self.verdicts),
            alerts=dict(self.alerts),
            sent=deliveries.sent,
            edited=deliveries.edited,
            pictures=deliveries.pictured,
            pictureless=deliveries.left_out,
            waiting=waiting,
            undeliverable=undeliverable,
            lost=lost,
            decision_ms_p50=percentile(self._decision_ms, 50),
            decision_ms_p99=percentile(self._decision_ms, 99),
            request_ms_p50=percentile(deliveries.delays_ms, 50),
            request_ms_p99=percentile(deliveries.delays_ms, 99),
            most_waiting_frames=most,
        )


def percentile(values: Sequence[float] | deque[float], percent: int) -> float:
    """Return the nearest-rank percentile, 0.0 of nothing."""
    ordered = sorted(values)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 3) if ordered else 0.0
