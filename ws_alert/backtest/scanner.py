"""The scanner over recorded candles, by the very engine that runs live, and what became of its alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from teleglas.market import Candle, Instrument
from ws_alert.alert_engine import AlertEngine
from ws_alert.backtest.outcomes import Costs, Outcome, Rate, Trade, after, baseline, follow, rate_of
from ws_alert.detectors.candle_confluence_detector import STOP_ATR, TARGET_ATR
from ws_alert.messages import REPLAY_TARGET, Action, ConfluenceFacts
from ws_alert.rules import Rules
from ws_alert.sources.candle_files import CandleFile, candle_rows
from ws_alert.sources.decoders import decoders
from ws_alert.windows.candles import is_possible, timeframe_name
from ws_alert.windows.indicators import readings

__all__ = ["Backtest", "Line", "backtest"]

_Series = tuple[str, str]


class Line(NamedTuple):
    """One row of the report. group: whether `what` is a type or a confidence; empty for the sum.

    still_open: alerts whose candles ended before either level. rate: None without a finished one.
    """

    symbol: str
    timeframe: str
    group: str
    what: str
    still_open: int
    rate: Rate | None


class Backtest(NamedTuple):
    """funnel: what blocked the candles, by timeframe. from_ms, to_ms: the span read."""

    lines: tuple[Line, ...]
    funnel: Mapping[str, Counter[str]]
    from_ms: int
    to_ms: int
    candles: int
    mode: str
    costs: Costs


class _Told(NamedTuple):
    facts: ConfluenceFacts
    direction: str
    outcome: Outcome | None


def backtest(
    files: Sequence[CandleFile], rules: Rules, costs: Costs, progress: Callable[[int], None] = lambda _: None
) -> Backtest:
    """Decide on every candle as live, then follow each alert that would have been sent.

    Entries are taken independently of each other, at the close of the candle that fired.
    Raises InputError for an unreadable file.
    """
    engine = AlertEngine(rules, decoders({}), [REPLAY_TARGET], budget=False)
    history: dict[_Series, dict[int, Candle]] = {}
    found: dict[_Series, list[tuple[int, ConfluenceFacts, str]]] = {}
    for row in candle_rows(files, engine.intake.refuse, progress):
        engine.file_candle(row.instrument, row.candle)
        _note(engine, found)
        if is_possible(row.candle):
            # As in the scanner: the last of the same time counts, in whatever order they come.
            history.setdefault(_series(row.instrument, row.candle), {})[row.candle.open_ms] = row.candle
    while (due := engine.next_deadline()) is not None:
        engine.advance(due)
        _note(engine, found)
    lines: list[Line] = []
    for series, by_time in history.items():
        candles = [by_time[at] for at in sorted(by_time)]
        lines += _lines(series, candles, _followed(candles, found.get(series, []), costs), costs)
    times = [candle.close_ms for by_time in history.values() for candle in by_time.values()]
    count = sum(map(len, history.values()))
    span = (min(times), max(times)) if times else (0, 0)
    return Backtest(tuple(lines), engine.scanner.funnel, *span, count, rules.scanner.mode, costs)


def _series(instrument: Instrument, candle: Candle) -> _Series:
    return instrument.symbol, timeframe_name(candle.timeframe_ms)


def _note(engine: AlertEngine, found: dict[_Series, list[tuple[int, ConfluenceFacts, str]]]) -> None:
    for verdict in engine.drain():
        facts = verdict.confluence
        if verdict.action is Action.SEND and facts is not None:
            entry = (verdict.event_ms, facts, verdict.direction)
            found.setdefault((facts.symbol, facts.timeframe), []).append(entry)


def _followed(
    candles: Sequence[Candle], found: Sequence[tuple[int, ConfluenceFacts, str]], costs: Costs
) -> list[_Told]:
    places = {candle.close_ms: index for index, candle in enumerate(candles)}
    return [
        _Told(facts, direction, follow(Trade.of(facts), after(candles, places[event_ms]), costs))
        for event_ms, facts, direction in found
    ]


def _lines(series: _Series, candles: Sequence[Candle], told: Sequence[_Told], costs: Costs) -> list[Line]:
    def line(group: str, what: str, chosen: Sequence[_Told]) -> Line:
        ended = [(Trade.of(each.facts), each.outcome) for each in chosen if each.outcome is not None]
        return Line(*series, group, what, len(chosen) - len(ended), rate_of(ended, costs) if ended else None)

    lines = [line("", "all", told)]
    lines += [
        line("type", way, [each for each in told if each.direction == way]) for way in ("bullish", "bearish")
    ]
    levels = sorted({each.facts.confidence for each in told})
    lines += [
        line("confidence", str(level), [each for each in told if each.facts.confidence == level])
        for level in levels
    ]
    atrs = [reading.atr for reading in readings(candles)]
    whole = baseline(candles, atrs, costs, (STOP_ATR, TARGET_ATR))
    return [*lines, Line(*series, "", "any candle", 0, rate_of(whole, costs) if whole else None)]
