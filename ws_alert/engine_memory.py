"""What a restart gives back to the engine; windows are refilled from the journal instead."""

from __future__ import annotations

import msgspec

from ws_alert.decider import DeciderMemory
from ws_alert.detectors.candle_confluence_detector import ScannerMemory
from ws_alert.detectors.stop_hunt_detector import Flush
from ws_alert.records import Records
from ws_alert.windows.coverage import FeedSpan

__all__ = ["DetectionMemory", "EngineMemory"]


class DetectionMemory(msgspec.Struct, frozen=True):
    """What survives a restart. closing: deadlines of seconds that are still open.

    judged: the ends of seconds that were judged before anything closed them, by asset.
    """

    flushes: tuple[Flush, ...] = ()
    closing: tuple[str, ...] = ()
    judged: dict[str, int] = {}


class EngineMemory(msgspec.Struct):
    """What a restart restores; windows are refilled from the journal instead."""

    now_ms: int
    feeds: dict[str, list[FeedSpan]]
    scanner: ScannerMemory
    detection: DetectionMemory
    decider: DeciderMemory
    records: Records = Records()
