"""The alert side as one pure state machine: inputs with their time in, verdicts out.

Live, replay, backtest and tests differ only in who feeds it and which clock ticks. It
reads no clock, opens no socket, and never waits: what waits is a deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from teleglas.baselines import StoredBaselines
from teleglas.errors import BadFrame
from teleglas.instrument_table import decode as decode_instruments
from teleglas.market import Candle, Instrument, Liquidation, Refusal, TakerSide
from teleglas.venues.codec import Codec
from ws_alert.deadlines import Deadlines
from ws_alert.decider import MINUTE_MS, Decider
from ws_alert.detection import Detection
from ws_alert.engine_memory import EngineMemory
from ws_alert.messages import (
    FeedNotice,
    FeedState,
    PhaseLine,
    RecordBatch,
    RecordKind,
    RefusedNote,
    Verdict,
)
from ws_alert.recorder import Observer
from ws_alert.records import KindRecord, Records
from ws_alert.rules import Rules
from ws_alert.signals.episodes import Episodes
from ws_alert.signals.evidence import Evidence
from ws_alert.windows.coverage import FeedHealth

__all__ = ["WARM_UP_MS", "AlertEngine"]

WARM_UP_MS: Final = 420_000
"""How far before the committed position the windows are refilled: the longest look back (five minutes of
prices), one latest arrival, and the minute after which the ids of a quiet contract are forgotten."""

_FRAME: Final = RecordKind.FRAME  # a member takes a tenth of a microsecond to look up


class AlertEngine:
    """Windows, detectors, episodes and policies of all targets, behind four verbs.

    `receive` takes an input at its time, `advance` lets the time pass, `next_deadline`
    says when it wants to be woken, `drain` hands out what was decided since.

    warming: inputs only refill the windows; nothing is detected or decided.
    observer: is told of every liquidation, large order and feed notice, also while warming.
    phases: starts and ends of episodes since the reader last cleared it.
    baselines: what is normal for each asset; its `kept` waits to be committed, if somebody asked
    for that (`remember`).
    """

    def __init__(
        self,
        rules: Rules,
        codecs: Mapping[str, Codec],
        targets: Sequence[str],
        *,
        simulated: bool = False,
        budget: bool = True,
        observer: Observer | None = None,
    ) -> None:
        self._deadlines = Deadlines(self._due)
        self.health = FeedHealth()
        self.detection = Detection(rules, self._deadlines, self.health, observer)
        self.intake = self.detection.intake
        self.baselines = self.detection.baselines
        self.scanner = self.detection.scanner
        self.episodes = Episodes()
        self._records: dict[str, KindRecord] = {}
        evidence = Evidence(
            self.intake.events, self.health, self._records, simulated=simulated, candles=self.scanner.chart,
            close=self.scanner.price,
        )  # fmt: skip
        policies = Decider.policies(rules, targets, self.episodes, evidence, budget=budget)
        self.decider = Decider(rules, self.intake, self._deadlines, self.episodes, policies)
        self.detection.decider = self.decider
        self._observer = observer
        self._codecs = dict(codecs)
        self._frames_ms = -1
        self._swept_ms = 0

    @property
    def warming(self) -> bool:
        """Whether inputs only refill the windows."""
        return self.detection.warming

    @warming.setter
    def warming(self, warming: bool) -> None:
        self.detection.warming = warming

    @property
    def phases(self) -> list[PhaseLine]:
        """Starts and ends of episodes since the reader last cleared it."""
        return self.decider.phases

    @property
    def now_ms(self) -> int:
        """Return the engine's time: of its last input or deadline, never going back."""
        return self.intake.now_ms

    # -- the four verbs ---------------------------------------------------------------

    def receive(self, kind: RecordKind, source: str, payload: bytes, received_ms: int) -> None:
        """Take one input. Deadlines that are due by then run before it, each at its own time."""
        if kind == _FRAME:
            self.receive_frames(source, (payload,), received_ms)
            return
        self._arrive(received_ms)
        try:
            self._receive_rare(kind, source, payload)
        except (BadFrame, msgspec.MsgspecError, UnicodeDecodeError) as error:
            # A record of another version must not keep this one from starting.
            self.intake.refuse(Refusal.MALFORMED, f"{kind.name} of {source}: {error}"[:120])

    def receive_again(self, batch: RecordBatch, failed: Callable[[int, Exception], None]) -> None:
        """Take records of the journal; `failed` is told the number of each at which the engine raised, and what.

        Live, the same record ended the process. Whoever decides again leaves out the rest of it and goes on, so
        that a mistake of ours that one record brings to light costs this record and not every start.
        """
        kinds, sources, payloads = batch.kinds, batch.sources, batch.payloads
        for place, received_ms in enumerate(batch.times):
            kind, source = kinds[place], sources[place]
            try:
                if kind is _FRAME:
                    self.receive_frames(source, (payloads[place],), received_ms)
                else:
                    self.receive(kind, source, payloads[place], received_ms)
            except Exception as error:  # noqa: BLE001 - whatever it is, a process died of it already
                failed(batch.first + place, error)

    def receive_frames(self, source: str, payloads: Sequence[bytes], received_ms: int) -> None:
        """Take WebSocket frames of one source that were stamped together.

        Whether they come in one call or in several is the same: no deadline runs between them.
        """
        intake = self.intake
        if received_ms != self._frames_ms or source != intake.source:
            self._arrive(received_ms)
            self._frames_ms = self.detection.heard_ms = received_ms
            intake.source = source
        codec = self._codecs.get(source)
        if codec is not None:
            codec.decode_many(payloads, intake)
            return
        for _ in payloads:
            intake.refuse(Refusal.UNKNOWN_MESSAGE, f"frames of {source}"[:80])

    def advance(self, now_ms: int) -> None:
        """Let the time pass: run every deadline that is due, in order of (due time, id)."""
        while (due := self.next_deadline()) is not None and due <= now_ms:
            name = self._deadlines.pop()
            self.detection.close_minutes(due)
            self.intake.at(due)
            self._run(name, due)
        self.detection.close_minutes(now_ms)
        self.intake.at(now_ms)

    def next_deadline(self) -> int | None:
        """Return when `advance` should be called next, None if nothing waits."""
        return self._deadlines.next_ms()

    def drain(self) -> list[Verdict]:
        """Return what was decided since the last call; each verdict once."""
        decided, self.decider.verdicts = self.decider.verdicts, []
        return decided

    # -- rows of files, which bring their own time; a late one is received at the time that it is by then (SEMANTICS 2) --

    def file_liquidation(self, row: Liquidation) -> None:
        """Take a liquidation of a recorded tape."""
        self._arrive(max(self.now_ms, row.event_ms))
        self.intake.file_liquidation(row)

    def file_trade(
        self, instrument: Instrument, event_ms: int, side: TakerSide, price: float, usd: str
    ) -> None:
        """Take a taker order of a recorded tape; USD as its column says, price of one coin."""
        self._arrive(max(self.now_ms, event_ms))
        self.intake.file_trade(instrument, event_ms, side, price, usd)

    def file_candle(self, instrument: Instrument, candle: Candle) -> None:
        """Take a candle of a recorded file, at the moment when it closed."""
        self._arrive(max(self.now_ms, candle.close_ms))
        self.intake.candle(instrument, candle)

    def file_funding(
        self, instrument: Instrument, event_ms: int, rate: float, interval_h: float, every_ms: int
    ) -> None:
        """Take a funding rate of a recorded file, whose contract has one each `every_ms`."""
        self._arrive(max(self.now_ms, event_ms))
        self.intake.file_funding(instrument, event_ms, rate, interval_h, every_ms)

    def file_open_interest(self, instrument: Instrument, event_ms: int, usd_cents: int) -> None:
        """Take an open interest of a recorded file."""
        self._arrive(max(self.now_ms, event_ms))
        self.intake.open_interest(instrument, event_ms, usd_cents)

    # -- restart ----------------------------------------------------------------------

    def memory(self) -> bytes:
        """Return as JSON all that decides later verdicts and is not in the windows."""
        return msgspec.json.encode(
            EngineMemory(
                self.now_ms,
                self.health.spans,
                self.scanner.memory(),
                self.detection.memory(),
                self.decider.memory(),
                Records(self._records),
            )
        )

    @staticmethod
    def time_of(memory: bytes) -> int:
        """Return the engine's time when the memory was written."""
        return msgspec.json.decode(memory, type=EngineMemory).now_ms

    def remember(self, stored: StoredBaselines) -> int:
        """Go on from what was stored of the assets' own normals, and collect what is to be stored from now on.

        Before anything else is fed. Without this call they begin anew and are kept in memory only.
        Returns how many rows could not be read, because another version wrote them.
        """
        interest, unreadable = self.baselines.restore(stored)
        self.intake.interest.restore(interest)
        self.baselines.keeps = True
        return unreadable

    def restore(self, memory: bytes) -> None:
        """Go on from a memory; the windows must have been refilled (`warming`) before."""
        known = msgspec.json.decode(memory, type=EngineMemory)
        self.intake.at(known.now_ms)
        self.health.spans = known.feeds
        self.scanner.restore(known.scanner)
        self.decider.restore(known.decider)
        self.detection.restore(known.detection)
        self._recorded(known.records)

    # -- inside -----------------------------------------------------------------------

    def _arrive(self, received_ms: int) -> None:
        self._frames_ms = -1  # whatever comes, frames after it are another input
        if received_ms >= self._deadlines.attention_ms:
            self._attend(received_ms)
        self.intake.at(received_ms)

    def _attend(self, received_ms: int) -> None:
        """Run what is due before an input: deadlines, and once a minute forget what decides nothing any more."""
        self.advance(received_ms)
        minutes = (received_ms - self._swept_ms) // MINUTE_MS
        if minutes > 0:
            self._swept_ms = self.now_ms // MINUTE_MS * MINUTE_MS
            self.detection.forget(minutes)
            self.decider.forget()
        sweep_ms = self._swept_ms + MINUTE_MS
        self._deadlines.attention_ms = min(self._deadlines.first_ms(sweep_ms), sweep_ms)

    def _receive_rare(self, kind: RecordKind, source: str, payload: bytes) -> None:
        venue, _, rest = source.partition(":")
        self.intake.source = venue
        codec = self._codecs.get(venue)
        if kind == RecordKind.BODY and codec is not None:
            endpoint, _, argument = rest.partition(":")
            # Polls and stream may alternate at a take-over: where their ids jump, the other may fill in.
            self.detection.heard_ms = self.now_ms
            self.intake.interrupted(venue, argument)
            self.scanner.collect()
            codec.decode_body(endpoint, argument, payload, self.intake)
            self.decider.found(self.scanner.settle(self.now_ms))
            self.intake.interrupted(venue, argument)
        elif kind == RecordKind.INSTRUMENTS and codec is not None:
            codec.use(decode_instruments(payload))
            self.intake.relisted()
        elif kind == RecordKind.NOTICE:
            notice = msgspec.json.decode(payload, type=FeedNotice)
            self.health.note(notice, self.now_ms)
            if self._observer is not None:
                self._observer.noticed(notice)
            if notice.family == "trades" and notice.state in (FeedState.LIVE, FeedState.POLLING):
                self.intake.interrupted(notice.venue)
        elif kind == RecordKind.REFUSED and not self.warming:
            self.decider.refused(msgspec.json.decode(payload, type=RefusedNote))
        elif kind == RecordKind.TRACK_RECORD:
            self._recorded(msgspec.json.decode(payload, type=Records))

    def _recorded(self, records: Records) -> None:
        """Take how earlier alerts came out, in place of what was known of that."""
        self._records.clear()
        self._records.update(records.kinds)
        self.detection.recorded(self._records)

    def _due(self, name: str) -> int | None:
        what = name.partition("\n")[0]
        if what == "minute":
            return self.decider.minute_ms
        return self.detection.due(name) if what == "close" else self.decider.due(name)

    def _run(self, name: str, due_ms: int) -> None:
        what = name.partition("\n")[0]
        if what == "minute":
            self.detection.minute(due_ms)
        elif what == "close":
            self.detection.run(name)
        else:
            self.decider.run(name, due_ms)
