"""Candle confluence: a cross of EMAs that volume, RSI, trend and session agree with (SPEC 6, SEMANTICS 14).

The figures are evidence and reference levels: with the stop at 1.5 ATR and the target at
1.0 ATR the reward is 0.667 of the risk, so 60 % of such trades must win to break even
before fees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from teleglas.market import Candle, Instrument
from teleglas.tape import MINUTE_MS, PriceMinute
from ws_alert.detectors.hit import Hit
from ws_alert.messages import CandleChart, ConfluenceFacts, Kind, Tier
from ws_alert.rules import ScannerRules
from ws_alert.windows.candles import CandleSeries, SeriesMemory, timeframe_name
from ws_alert.windows.event_window import LATEST_ARRIVAL_MS
from ws_alert.windows.indicators import Reading

__all__ = ["CONDITIONS", "STOP_ATR", "TARGET_ATR", "CandleScanner", "ScannerMemory"]

STOP_ATR: Final = 1.5
TARGET_ATR: Final = 1.0

CONDITIONS = ("volume", "rsi", "ema50", "vwap")
"""Beside the cross, in the order in which reports list them."""

_BULLISH, _BEARISH = "bullish", "bearish"
_TIERS = {3: Tier.INFO, 4: Tier.INFO, 5: Tier.WATCH}

_Key = tuple[str, str, int]


class ScannerMemory(msgspec.Struct, frozen=True):
    """What a restart restores: every series, by (venue, symbol, timeframe in ms)."""

    series: tuple[tuple[_Key, SeriesMemory], ...] = ()


class CandleScanner:
    """All series, and the judgement of each candle once, when it has closed.

    funnel: by timeframe, how many candles were judged and what blocked them: `candles`,
    `missing` (never came), `warming up`, `no cross`, then of the crosses `blocked <condition>` (every one that failed)
    and `only <condition>` (it alone failed), and `found`.
    """

    def __init__(self, rules: ScannerRules) -> None:
        self.series: dict[_Key, CandleSeries] = {}
        self.funnel: dict[str, Counter[str]] = {}
        self._rules = rules
        self._instruments: dict[_Key, Instrument] = {}
        self._collected: dict[_Key, list[Candle]] | None = None

    def collect(self) -> None:
        """Begin to take many candles at once, as a REST body brings them; `settle` ends it."""
        self._collected = {}

    def settle(self, now_ms: int) -> list[Hit]:
        """Join what was collected and judge what is new."""
        collected, self._collected = self._collected or {}, None
        hits = []
        for key, candles in collected.items():
            self._of(key).merge(candles)
            hits += self._judge(key, now_ms)
        return hits

    def take(self, instrument: Instrument, candle: Candle, now_ms: int) -> list[Hit]:
        """Take one closed candle; return what it satisfied, at most one type of its timeframe.

        A candle that was judged before, or one that closed more than a minute ago, is
        joined to its series without being judged (again).
        """
        key = (instrument.venue, instrument.symbol, candle.timeframe_ms)
        self._instruments[key] = instrument
        if self._collected is not None:
            self._collected.setdefault(key, []).append(candle)
            return []
        self._of(key).add(candle)
        return self._judge(key, now_ms)

    def chart(self, facts: ConfluenceFacts, event_ms: int) -> CandleChart | None:
        """Return the candles that a confluence was found on, None if they are not kept any more."""
        for (venue, symbol, length), series in self.series.items():
            if (venue, symbol, timeframe_name(length)) == (facts.venue, facts.symbol, facts.timeframe):
                return series.chart(event_ms - length)
        return None

    def price(self, asset: str, at_ms: int) -> float | None:
        """Return what one coin cost when a candle of the asset closed at this time, None if none did."""
        for key, series in self.series.items():
            instrument, place = self._instruments.get(key), series.place(at_ms - key[2])
            if instrument is not None and instrument.asset == asset and place is not None:
                return series.candles[place].close / instrument.scale
        return None

    def minutes(self, since_ms: int) -> Iterator[PriceMinute]:
        """Yield what one coin cost in each minute that a one-minute candle is known of."""
        for key, series in self.series.items():
            instrument = self._instruments.get(key)
            if instrument is not None and key[2] == MINUTE_MS:
                for candle in series.candles:
                    if candle.open_ms >= since_ms:
                        prices = (each / instrument.scale for each in (candle.low, candle.high, candle.close))
                        yield PriceMinute(candle.open_ms, instrument.asset, *prices)

    def coverage(self) -> list[tuple[str, int, str]]:
        """Return of each series its name, when its newest candle closed, and what keeps it from being judged whole."""
        return [
            (f"{symbol} {timeframe_name(length)}", series.candles[-1].close_ms, series.missing())
            for (_, symbol, length), series in self.series.items()
            if series.candles
        ]

    def memory(self) -> ScannerMemory:
        """Return all that decides later."""
        return ScannerMemory(tuple((key, series.memory()) for key, series in self.series.items()))

    def restore(self, memory: ScannerMemory) -> None:
        """Go on from a memory."""
        self.series = {key: CandleSeries.restored(each) for key, each in memory.series}

    def _of(self, key: _Key) -> CandleSeries:
        series = self.series.get(key)
        if series is None:
            series = self.series[key] = CandleSeries()
        return series

    def _judge(self, key: _Key, now_ms: int) -> list[Hit]:
        series = self.series[key]
        hits = []
        for index in series.unjudged():
            candle = series.candles[index]
            if now_ms - candle.close_ms <= LATEST_ARRIVAL_MS:
                hit = self._detect(self._instruments[key], series, index)
                if hit is not None:
                    hits.append(hit)
            series.judged_ms = candle.open_ms
        return hits

    def _detect(self, instrument: Instrument, series: CandleSeries, index: int) -> Hit | None:
        candle, readings = series.candles[index], series.readings[max(0, index - 2) : index + 1]
        funnel = self.funnel.setdefault(timeframe_name(candle.timeframe_ms), Counter())
        funnel["candles"] += 1
        if missing := series.missing_before(index):
            funnel["missing"] += missing
        ready = readings[-1].ema50 is not None
        if not ready:
            funnel["warming up"] += 1
        direction, crossed = _cross(readings)
        if not direction:
            funnel["no cross"] += ready
            return None
        failed = _failed(candle, readings[-1], bullish=direction == _BULLISH)
        for name in failed:
            funnel[f"blocked {name}"] += 1
        if len(failed) == 1:
            funnel[f"only {failed[0]}"] += 1
        if len(failed) > (0 if self._rules.mode == "strict" else 2) or readings[-1].atr is None:
            return None
        funnel["found"] += 1
        facts = self._facts(instrument, candle, readings[-1], direction, crossed, failed)
        return Hit(
            kind=Kind.CANDLE_CONFLUENCE,
            asset=instrument.asset,
            direction=direction,
            event_ms=candle.close_ms,
            window_ms=0,
            usd=0,
            count=1,
            venues=(),
            threshold_usd=0,
            threshold_count=1,
            tier=_TIERS[facts.confidence],
            facts=facts,
        )

    def _facts(
        self,
        instrument: Instrument,
        candle: Candle,
        seen: Reading,
        direction: str,
        crossed: int,
        failed: tuple[str, ...],
    ) -> ConfluenceFacts:
        atr, sign = seen.atr or 0.0, 1 if direction == _BULLISH else -1
        return ConfluenceFacts(
            venue=instrument.venue,
            symbol=instrument.symbol,
            timeframe=timeframe_name(candle.timeframe_ms),
            entry=candle.close,
            stop=candle.close - sign * STOP_ATR * atr,
            target=candle.close + sign * TARGET_ATR * atr,
            atr=atr,
            rsi=seen.rsi,
            vwap=seen.vwap,
            ema9=seen.ema9 or 0.0,
            ema21=seen.ema21 or 0.0,
            ema50=seen.ema50,
            volume_ratio=candle.volume / seen.volume_mean if seen.volume_mean else None,
            bias=_bias(seen),
            confidence=5 - len(failed),
            crossed=crossed,
            mode=self._rules.mode,
            failed=failed,
        )


def _cross(readings: list[Reading]) -> tuple[str, int]:
    """Return which way EMA9 crossed EMA21 and how many candles ago (0, 1); an empty text: not at all."""
    gaps = [r.ema9 - r.ema21 for r in readings if r.ema9 is not None and r.ema21 is not None]
    for ago in range(min(2, len(gaps) - 1)):
        before, after = gaps[-2 - ago], gaps[-1 - ago]
        if before <= 0 < after and gaps[-1] > 0:
            return _BULLISH, ago
        if before >= 0 > after and gaps[-1] < 0:
            return _BEARISH, ago
    return "", 0


def _failed(candle: Candle, seen: Reading, *, bullish: bool) -> tuple[str, ...]:
    """Return the conditions beside the cross that do not hold; what is not ready does not hold."""
    holds = {
        "volume": seen.volume_mean is not None and candle.volume > 1.5 * seen.volume_mean,
        "rsi": seen.rsi is not None and 30 <= seen.rsi <= 70,
        "ema50": _beyond(candle.close, seen.ema50, bullish=bullish),
        "vwap": _beyond(candle.close, seen.vwap, bullish=bullish),
    }
    return tuple(name for name in CONDITIONS if not holds[name])


def _beyond(close: float, level: float | None, *, bullish: bool) -> bool:
    return level is not None and (close > level if bullish else close < level)


def _bias(seen: Reading) -> str:
    fast, middle, slow = seen.ema9, seen.ema21, seen.ema50
    if fast is None or middle is None or slow is None:
        return "neutral"
    if fast > middle > slow:
        return _BULLISH
    return _BEARISH if fast < middle < slow else "neutral"
