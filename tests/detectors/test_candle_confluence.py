"""The scanner on made-up months: the definition, no look ahead, each candle judged once."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.market import Candle, Instrument
from tests.made_candles import DAY, MINUTE, walk
from tests.reference.candle_signals import signals
from ws_alert.detectors.candle_confluence_detector import CandleScanner, ScannerMemory, _cross
from ws_alert.detectors.hit import Hit
from ws_alert.messages import ConfluenceFacts, Tier
from ws_alert.rules import ScannerRules
from ws_alert.windows.indicators import Reading

BTC = Instrument("binance", "BTCUSDT", "BTC")


def _scan(candles: list[Candle], mode: str = "scored", scanner: CandleScanner | None = None) -> list[Hit]:
    scanner = scanner or CandleScanner(ScannerRules(mode=mode))
    return [hit for candle in candles for hit in scanner.take(BTC, candle, candle.close_ms)]


def _rows(candles: list[Candle]):
    return [(c.open_ms, c.open, c.high, c.low, c.close, c.volume) for c in candles]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), start=st.integers(-700, 0), mode=st.sampled_from(["strict", "scored"]))
def test_hits_are_those_of_the_slow_definition(seed, start, mode):
    """Any walk, any place of midnight, both modes."""
    candles = walk(900, seed=seed, start_ms=DAY + start * MINUTE)
    found = [(hit.event_ms, hit.direction, hit.facts.confidence) for hit in _scan(candles, mode)]
    expected = signals(_rows(candles), MINUTE, strict=mode == "strict")
    assert found == [(each.event_ms, each.direction, each.confidence) for each in expected]


def test_the_future_changes_no_past_signal():
    """Cut anywhere, what was found before the cut is the same."""
    candles = walk(900)
    whole = _scan(candles)
    assert len(whole) > 20
    for cut in range(400, 900, 37):
        before = [hit for hit in whole if hit.event_ms <= candles[cut - 1].close_ms]
        assert _scan(candles[:cut]) == before


def test_levels_and_words():
    """Stop 1.5 ATR and target 1 ATR from the close, on the right sides; tiers by confidence."""
    for hit in _scan(walk(900)):
        facts = hit.facts
        assert isinstance(facts, ConfluenceFacts)
        sign = 1 if hit.direction == "bullish" else -1
        assert facts.stop == pytest.approx(facts.entry - sign * 1.5 * facts.atr)
        assert facts.target == pytest.approx(facts.entry + sign * facts.atr)
        assert facts.risk_reward == pytest.approx(2 / 3)
        assert facts.stop_percent == pytest.approx(150 * facts.atr / facts.entry)
        assert facts.confidence == 5 - len(facts.failed)
        assert hit.tier is (Tier.WATCH if facts.confidence == 5 else Tier.INFO)
        assert (hit.usd, hit.count, hit.venues) == (0, 1, ())
        if facts.bias != "neutral":
            assert (facts.ema9 > facts.ema21 > facts.ema50) == (facts.bias == "bullish")


def test_a_candle_is_judged_once():
    """Repeats, corrections and late ones are joined to the series without another judgement."""
    candles = walk(900)
    scanner = CandleScanner(ScannerRules(mode="scored"))
    first = _scan(candles, scanner=scanner)
    assert first
    again = [msgspec.structs.replace(c, close=c.close + 1) for c in candles[-100:]]
    assert _scan(again, scanner=scanner) == []
    assert scanner.series["binance", "BTCUSDT", MINUTE].candles[-1] == again[-1]


def test_old_news_is_not_told():
    """A candle that closed more than a minute ago is history; one of a minute ago is news."""
    candles = walk(900)
    index = next(n for n in range(800, 900) if _scan(candles[: n + 1])[-1].event_ms == candles[n].close_ms)
    for delay, expected in ((60_000, 1), (60_001, 0)):
        scanner = CandleScanner(ScannerRules(mode="scored"))
        _scan(candles[:index], scanner=scanner)
        assert len(scanner.take(BTC, candles[index], candles[index].close_ms + delay)) == expected


def test_history_of_a_body_is_not_told_but_its_newest_candle_is():
    """A backfill of 900 candles is judged at its end only."""
    candles = walk(900)
    index = next(n for n in range(800, 900) if _scan(candles[: n + 1])[-1].event_ms == candles[n].close_ms)
    scanner = CandleScanner(ScannerRules(mode="scored"))
    scanner.collect()
    for candle in reversed(candles[: index + 1]):
        assert scanner.take(BTC, candle, candles[index].close_ms + 500) == []
    hits = scanner.settle(candles[index].close_ms + 500)
    assert [hit.event_ms for hit in hits] == [candles[index].close_ms]


@pytest.mark.parametrize("cut", [3, 350, 640])
def test_a_restart_repeats_and_forgets_nothing(cut):
    """The memory holds the series and what was judged: the next candles are judged as without it."""
    candles = walk(900)
    whole = _scan(candles)
    scanner = CandleScanner(ScannerRules(mode="scored"))
    found = _scan(candles[:cut], scanner=scanner)
    stored = msgspec.json.decode(msgspec.json.encode(scanner.memory()), type=ScannerMemory)
    scanner = CandleScanner(ScannerRules(mode="scored"))
    scanner.restore(stored)
    found += _scan(candles[max(0, cut - 20) :], scanner=scanner)
    assert found == whole


def test_the_funnel_adds_up():
    """Every candle is somewhere, and what alone blocked is part of what blocked."""
    scanner = CandleScanner(ScannerRules())
    candles = walk(900)
    del candles[600:603]
    found = _scan(candles, scanner=scanner)
    funnel = scanner.funnel["1m"]
    assert (funnel["candles"], funnel["missing"], funnel["warming up"]) == (897, 3, 345)
    assert funnel["found"] == len(found)
    crosses = funnel["candles"] - funnel["warming up"] - funnel["no cross"]
    assert funnel["found"] < crosses
    for name in ("volume", "rsi", "ema50", "vwap"):
        assert funnel[f"only {name}"] <= funnel[f"blocked {name}"]


def test_each_series_says_what_it_lacks():
    """Its name, its newest close, and how far its warm-up is; a whole one lacks nothing."""
    scanner = CandleScanner(ScannerRules())
    assert scanner.coverage() == []
    one, five = walk(400), walk(212, seed=2, length_ms=5 * MINUTE)
    _scan([*one, *five], scanner=scanner)
    assert scanner.coverage() == [
        ("BTCUSDT 1m", one[-1].close_ms, ""),
        ("BTCUSDT 5m", five[-1].close_ms, "warming up, 212 of 346"),
    ]


def test_each_timeframe_is_a_series_of_its_own():
    """One- and five-minute candles of one symbol do not disturb each other."""
    one, five = walk(500), walk(500, seed=2, length_ms=5 * MINUTE)
    alone = _scan(one) + _scan(five)
    both = sorted([*one, *five], key=lambda candle: candle.close_ms)
    together = _scan(both)
    assert sorted(together, key=repr) == sorted(alone, key=repr)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ((0.0, 1.0), ("bullish", 0)),  # equal counts as below before a cross
        ((0.0, 1.0, 2.0), ("bullish", 1)),
        ((-1.0, 1.0, 0.0), ("", 0)),  # not above any more
        ((-1.0, 1.0, -1.0), ("bearish", 0)),
        ((0.0, -1.0, -2.0), ("bearish", 1)),
        ((-1.0, 1.0, 2.0, 3.0), ("", 0)),  # too long ago
        ((None, 1.0, 2.0), ("", 0)),  # the mean before was not ready
        ((1.0,), ("", 0)),
    ],
)
def test_what_is_a_cross(gaps, expected):
    """On this candle or the one before, from at-or-below to above, and above still; mirrored for bearish."""
    seen = [
        Reading(
            None if gap is None else 100.0 + gap, None if gap is None else 100.0, None, None, None, None, None
        )
        for gap in gaps
    ]
    assert _cross(seen) == expected
