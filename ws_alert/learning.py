"""`learn`: what is normal for each asset, from recorded files into the database.

A volume spike needs six hours of the asset's own minutes, a divergence of open interest fifteen
minutes, adaptive thresholds a day. The service collects them while it runs; whoever has
recordings of the time before its start need not wait. The live engine reads the files in fast forward: its
windows close minute by minute as they would have done then, and it has nobody to tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import NamedTuple

from teleglas.errors import InputError
from teleglas.storage.store import Store
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import FeedNotice, FeedState
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders
from ws_alert.sources.interest_files import InterestFile, InterestFiles, InterestRow
from ws_alert.sources.replay import FileRow, feed
from ws_alert.sources.tapes import TapeRow, Tapes
from ws_alert.windows.baselines import MINUTE_MS

__all__ = ["Learned", "learn"]


class Learned(NamedTuple):
    """What was stored. minutes: that became history. refused: rows that were not counted, by reason."""

    rows: int
    minutes: int
    refused: Counter[str]


def learn(
    store: Store,
    rules: Rules,
    *,
    liquidations: Sequence[Path],
    trades: Sequence[Path],
    interest: Sequence[InterestFile],
    now_ms: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Learned:
    """Add what the files tell to the assets' own normals in the store, in one transaction.

    Only minutes that the store has not are taken, so the same files change nothing a second time, and
    only whole ones. A coin that the trades do not name was not traded, so they must name every coin
    that the store knows; without any trades no minute is history. now_ms: Unix ms; a later row is an
    error. Raises InputError for an unreadable file or a coin left out, StoreUnavailable. Then nothing was stored.
    """
    engine = AlertEngine(rules, decoders({}), ())
    engine.remember(store.load_baselines())
    if not trades:
        # nobody looked at the trades of these minutes, so that none of them tells how little is traded
        engine.health.note(FeedNotice("files", "trades", FeedState.CONNECTING, 0), 0)
    refuse = engine.intake.refuse
    sources: list[Iterator[FileRow]] = [
        Tapes(liquidations, trades, refuse, progress).rows(),
        InterestFiles((), interest, refuse, progress).rows(),
    ]
    left_out = set(engine.baselines.traded()) if trades else set[str]()
    known, count, last_ms = engine.baselines.closed, 0, 0
    for row in merge(*sources, key=lambda row: row[:4]):
        if row.ts_ms > now_ms:
            raise InputError(
                str(_file(row, liquidations, trades, interest)), row.line, "it lies in the future"
            )
        feed(engine, row)
        engine.phases.clear()
        if isinstance(row, TapeRow) and not row.is_liquidation:
            left_out.discard(row.instrument.asset)
        if not count:
            known = max(known, row.ts_ms // MINUTE_MS - 1)
        count, last_ms = count + 1, row.ts_ms
    if count:
        # the minute of the last row may have gone on without the recorder
        engine.advance((last_ms // MINUTE_MS + 1) * MINUTE_MS)
    if left_out:
        some = ", ".join(sorted(left_out)[:5]) + (", ..." if len(left_out) > 5 else "")
        what = f"no trade of {some}, which the database knows: their minutes would count as without any trade"
        raise InputError(str(trades[0]), 1, f"{what}. Name recordings of all coins, or another DATABASE_URL")
    if engine.baselines.kept is not None:
        store.keep_baselines(engine.baselines.kept)
    refused = Counter({reason.value: n for reason, n in engine.intake.refused.items()})
    return Learned(count, max(0, engine.baselines.closed - known), refused)


def _file(
    row: FileRow, liquidations: Sequence[Path], trades: Sequence[Path], interest: Sequence[InterestFile]
) -> Path:
    if isinstance(row, InterestRow):
        return interest[row.argument].path
    assert isinstance(row, TapeRow)  # noqa: S101 - nothing else is read
    return (liquidations if row.is_liquidation else trades)[row.argument]
