"""A sample of `tests.bot.matrix`, without its times, and the judge itself: it must find what is wrong."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.bot.chatting import PEOPLE, chatting, fault, heal, market
from tests.bot.judge import Question, facts, findings, log_findings, silence
from tests.bot.matrix import (
    FAULTS,
    PLANS,
    SOURCES,
    Case,
    cases,
    nothing_liquidated,
    prices_now,
    questions,
    wrong,
)
from tests.bot.record import record_a_day

PRICES = {"BTC": (97_000.0, 98_000.0), "SEI": (0.139, 0.141)}
GOOD = "BTC at $97,500 (+1.20% in 24 h)\n24h low 95,000, high 99,000\nBook on Binance: 97,499 / 97,501, within 1%"
AT_ONCE = 8

SAMPLE = [
    ("none", "", "", 6),
    ("none", "binance", "retyped", 6),
    ("none", "hyperliquid", "429", 12),
    ("none", "okx", "null 1", 6),
    ("hobbyist", "coinglass", "null 2", 6),
    ("startup", "bybit", "timeout", 12),
    ("standard", "coinglass", "html", 6),
    ("professional", "coinglass", "null 1", 2),
    ("professional", "coinglass", "renamed", 6),
    ("professional", "binance", "500", 12),
]
"""Plan, source, what is wrong with it, and each how many-th question is asked."""


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """Return the addresses of one market."""
    with market(tmp_path_factory.mktemp("market")) as found:
        yield found


@pytest.mark.parametrize(("plan", "source", "kind", "every"), SAMPLE)
async def test_a_sample_of_the_matrix(urls, tmp_path, plan, source, kind, every):
    """Whatever one source does, each answer is correct or says what it lacks, and is of the coin that was meant."""
    heal(urls)
    before = prices_now(urls)
    record_a_day(tmp_path)
    case = Case(plan, source, kind, SAMPLE.index((plan, source, kind, every)))
    turn = asyncio.Semaphore(AT_ONCE)
    with capture_logs() as logs:
        async with chatting(urls, tmp_path, plan=None if plan == "none" else plan) as chat:
            if source:
                fault(urls, source, *FAULTS[kind])

            async def one(who, question):
                async with turn:
                    return question, await chat.say(question.text, who=who)

            answers = await asyncio.gather(*map(one, PEOPLE, questions(case.number)[::every]))
    heal(urls)
    after = prices_now(urls)
    prices = {coin: (min(before[coin], after[coin]), max(before[coin], after[coin])) for coin in before}
    nothing = nothing_liquidated(urls, "" if plan == "none" else "simulated-professional")
    found = {
        question.text: said
        for question, entry in answers
        if (said := wrong(case, question, entry, prices, nothing))
    }
    assert not found
    assert not [line for line in logs if line["log_level"] in {"error", "critical"}]


def test_the_whole_matrix():
    """Each plan with no fault and with each fault of each source that it asks; every command for every coin."""
    every = cases(PLANS, SOURCES, list(FAULTS))
    assert len(every) == len(PLANS) + len(FAULTS) * (4 + 5 * 4)
    asked = {(question.command, question.coin) for question in questions(3)}
    for coin in ("BTC", "ETH", "SEI", "PEPE", "NOSUCHCOIN"):
        assert sum(each == coin for _, each in asked) == 9


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ETH at $97,500", "is not in the first line"),
        (GOOD + "\nSEI", "another coin"),
        (GOOD.replace("97,500", "9,750"), "a price of"),
        (GOOD.replace("97,501", "0.0975"), "a price of"),
        (GOOD.replace("95,000", "950"), "a range of"),
        (GOOD + "\nOpen interest: $0", "a zero amount"),
        (GOOD + "\nVolume: $0.00 ", "a zero amount"),
        (GOOD + "\nRSI nan", "a word of the program"),
        (GOOD + "\nCVD None", "a word of the program"),
        (GOOD + "\nWhale index: N/A", "a word of the program"),
        (GOOD + "\nValueError", "an error of the program"),
        (GOOD + "\n(reference 1a2b3c)", "an error reference"),
        (GOOD + "\n{price}", "an unfilled template"),
        (GOOD + "\n1h     100.0   overbought", "RSI"),
        (GOOD + "\nFunding: +37.5% per 8 h", "funding of"),
        ("", "empty"),
        ("BTC " + "x" * 3_800, "longer than"),
    ],
)
def test_the_judge_finds(text, what):
    """Each kind of defect that a reader could see, planted in a good card."""
    assert any(
        what in each for each in findings(Question("/raw btc", "BTC"), text, "", photo=False, prices=PRICES)
    )


def test_the_judge_of_forms():
    """A good card is good; tables, captions, venues, unknown coins and what is passed over in silence."""
    btc = Question("/raw btc", "BTC")
    assert findings(btc, GOOD, GOOD, photo=False, prices=PRICES) == []
    young = GOOD + "\n1h      $554       $0      100%"
    assert findings(btc, young, "", photo=False, prices=PRICES) == ["a zero amount: '$0'"]
    assert findings(btc, young, "", photo=False, prices=PRICES, nothing=("1h",)) == []
    wide = f"<pre>{'x' * 33}</pre>"
    assert "wider than 32" in findings(btc, GOOD, wide, photo=False, prices=PRICES)[0]
    assert findings(btc, GOOD, f"<pre>{'&lt;' * 32}</pre>", photo=False, prices=PRICES) == []
    assert findings(btc, GOOD + "x" * 1_000, "", photo=True, prices=PRICES) == ["longer than 1024"]
    named = findings(btc, GOOD, "", photo=False, prices=PRICES, complete_venues=("Binance", "OKX"))
    assert named == ["OKX is passed over"]
    unknown = Question("/raw NOSUCH", "NOSUCH", listed=False)
    assert findings(unknown, "No exchange lists a coin named NOSUCH.", "", photo=False, prices=PRICES) == []
    assert findings(unknown, GOOD, "", photo=False, prices=PRICES)
    whole = facts(GOOD + "\nRSI 14: 1h 28 · 4h 41 · 1d 53")
    assert {"price", "book", "RSI 1h", "RSI 4h", "RSI 1d"} <= whole
    assert silence(whole, GOOD) == ["passed over in silence: RSI 1d, RSI 1h, RSI 4h"]
    assert silence(whole, GOOD + "\nNot known: RSI (Binance did not answer)") == []
    assert log_findings("21:00:00 [info] running\nTraceback (most recent call last):") != []
