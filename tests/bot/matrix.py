"""Ask the real command bot everything, with every plan, while each source fails in each way.

    python -m tests.bot.matrix [--plan none ...] [--source okx ...] [--kind html ...] [--every 1]
                               [--latency 200] [--at-once 5] [--charts] [--from-start] [--out FILE]

A fresh bot (main.py, its own database with a day's record) for each plan and fault; the fault begins
when it has its lists of coins, with --from-start before. Each question is typed by a person of its own.
Judged by `tests.bot.judge`, also against the same plan's answer without a fault: what is missing must be said. Timed from typing to Telegram's acceptance: 2 s, and 0.3 s when asked
again without a fault. Prints what is wrong and the counts; ends with 1 if anything is.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from simulator.bot_api.ledger import Entry
from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from tests.bot.chatting import PEOPLE, ROOT, fault, heal, market
from tests.bot.judge import Question, facts, findings, log_findings, silence
from tests.bot.record import record_a_day

__all__ = [
    "COMMANDS",
    "FAULTS",
    "PLANS",
    "SOURCES",
    "Case",
    "cases",
    "nothing_liquidated",
    "prices_now",
    "questions",
    "wrong",
]

PLANS = ("none", "hobbyist", "startup", "standard", "professional")
SOURCES = ("coinglass", "binance", "bybit", "okx", "hyperliquid")
FAULTS: Mapping[str, tuple[str, float]] = {
    "timeout": ("stall_rest", 1), "500": ("refuse_rest", 500), "429": ("refuse_rest", 429), "html": ("html_rest", 1),
    "renamed": ("rename_rest", 1), "null 1": ("null_rest", 1), "null 2": ("null_rest", 2), "null 3": ("null_rest", 3),
    "retyped": ("retype_rest", 1),
}  # fmt: skip
COMMANDS = ("raw", "liq", "whale", "sentiment", "orderbook", "oi", "funding", "rsi", "heat")
_COINS = {"BTC": ("btc", "BTCUSDT"), "ETH": ("$ETH", "eth"), "SEI": ("sei", "SEI-USDT-SWAP"),
          "PEPE": ("1000pepe", "kPEPE", "PEPE", "1000PEPEUSDT")}  # fmt: skip
_UNLISTED = ("NOSUCHCOIN", "SHIB")
_BESIDES = ("/liq", "/whale", "/market", "/sentiment", "/alerts", "/alerts btc", "/record", "/status", "/start", "/help",
            "/help liq", "/about", "/lang", "/tz", "/rwa btc", "/liq btc 1h", "/oi btc 7d", "/orderbook eth okx",
            "/whale btc 500k", "/raw btc chart")  # fmt: skip
_VENUES = ("Binance", "Bybit", "OKX", "Hyperliquid")
_NAMED = {"oi": dict.fromkeys(_COINS, _VENUES[:3]),  # how Hyperliquid counts is disputed
          "funding": {**dict.fromkeys(_COINS, _VENUES), "SEI": _VENUES[:3]}}  # fmt: skip
_SYMBOLS = {"BTC": "BTCUSDT", "ETH": "ETHUSDT", "SEI": "SEIUSDT", "PEPE": "1000PEPEUSDT"}
_SCALES = {"PEPE": 1000}
_TRUTH = "matrix-asks-for-the-truth"
_LIMIT_S, _KEPT_LIMIT_S = 2.0, 0.3
_PATIENCE_S = 20.0
_MARKETS = 3
"""Used in turn, so that the exchanges' limits a minute are no more than one bot's."""


@dataclass(frozen=True, slots=True)
class Case:
    """A plan and what goes wrong; source and kind empty for nothing. number: its place among all."""

    plan: str
    source: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.plan}, {self.source} {self.kind}".rstrip(", ")


@dataclass(slots=True)
class Answer:
    """What one question got. seconds: None where nothing came; again_s: asked once more. about: equal for all spellings."""

    case: Case
    question: str
    seconds: float | None
    about: str = ""
    again_s: float | None = None
    wrong: list[str] = field(default_factory=list)
    text: str = ""


def cases(plans: Sequence[str], sources: Sequence[str], kinds: Sequence[str]) -> list[Case]:
    """Return every plan with no fault, and with each fault of each source that it asks."""
    found: list[tuple[str, str, str]] = []
    for plan in plans:
        found.append((plan, "", ""))
        asked = [source for source in sources if plan != "none" or source != "coinglass"]
        found += [(plan, source, kind) for source in asked for kind in kinds]
    return [Case(*each, number) for number, each in enumerate(found)]


def questions(number: int) -> list[Question]:
    """Return everything that is asked; the number turns spellings, and the order in which a small budget is spent."""
    asked = [
        Question(f"/{command} {spelt[(number + at) % len(spelt)]}", coin)
        for at, command in enumerate(COMMANDS)
        for coin, spelt in _COINS.items()
    ]
    asked += [
        Question(f"/{command} {coin}", coin, listed=False) for command in COMMANDS for coin in _UNLISTED
    ]
    asked += [Question(text) for text in _BESIDES]
    start = number * 17 % len(asked)
    return asked[start:] + asked[:start]


def wrong(
    case: Case,
    question: Question,
    entry: Entry,
    prices: Mapping[str, tuple[float, float]],
    nothing: Mapping[str, Sequence[str]],
) -> list[str]:
    """Return what is wrong with the answer to a question. nothing: as `nothing_liquidated` tells."""
    named = _NAMED.get(question.command, {}).get(question.coin, ()) if case.plan == "none" else ()
    return findings(
        question, entry.text, entry.source, photo=bool(entry.photo), prices=prices, complete_venues=named,
        nothing=nothing.get(question.coin, ()),
    )  # fmt: skip


def prices_now(urls: Mapping[str, str]) -> dict[str, float]:
    """Return the true price of one of each coin, as Bybit's or Binance's simulation tells it."""
    with urllib.request.urlopen(urls["BINANCE_REST_URL"] + "/fapi/v1/premiumIndex", timeout=10) as answer:  # noqa: S310 - ours
        rows = {row["symbol"]: float(row["markPrice"]) for row in json.load(answer)}
    return {coin: rows[symbol] / _SCALES.get(coin, 1) for coin, symbol in _SYMBOLS.items()}


def nothing_liquidated(urls: Mapping[str, str], key: str) -> dict[str, list[str]]:
    """Return coin -> lengths of time within which CoinGlass knows of no liquidation of one side; empty without a key."""
    found: dict[str, list[str]] = {}
    for coin in _COINS if key else ():
        for window in ("1h", "4h", "12h", "24h"):
            path = f"/api/futures/liquidation/exchange-list?symbol={coin}&range={window}"
            asked = urllib.request.Request(urls["COINGLASS_REST_URL"] + path, headers={"CG-API-KEY": key})  # noqa: S310 - ours
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - ours
                total = next(row for row in json.load(answer)["data"] if row["exchange"] == "All")
            if 0 in {total["long_liquidation_usd"], total["short_liquidation_usd"]}:
                found.setdefault(coin, []).append(window)
    return found


def _bounds(*told: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    return {coin: (min(each[coin] for each in told), max(each[coin] for each in told)) for coin in told[0]}


class _Talk:
    """One bot and the people who ask it."""

    def __init__(self, api: BotApi) -> None:
        self._api = api

    async def ask(self, who: int, text: str) -> tuple[float | None, Entry | None]:
        """Return the seconds to the answer, and the answer; None where none came."""
        before = len(self._of(who))
        begun = time.monotonic()
        self._api.people.say(who, text, user=who)
        try:
            await self._api.ledger.until(lambda _: len(self._of(who)) > before, timeout=_PATIENCE_S)
        except TimeoutError:
            return None, None
        return time.monotonic() - begun, self._of(who)[before]

    def _of(self, who: int) -> list[Entry]:
        return [
            entry
            for entry in self._api.ledger.entries
            if entry.chat == who and entry.method.startswith("send")
        ]


@contextlib.asynccontextmanager
async def _bot(
    folder: Path, urls: Mapping[str, str], key: str | None, *, charts: bool
) -> AsyncIterator[_Talk]:
    """Run main.py on an empty cache."""
    token = f"{10_000_000 + os.getpid()}:matrix-of-the-command-bot-0000000000"
    chats = [Chat(person, "private") for person in PEOPLE]
    async with BotApi([token], chats) as api:
        settings = {name: url for name, url in urls.items() if name.endswith("_REST_URL")} | {
            "TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_BASE_URL": api.base_url, "DATABASE_URL": record_a_day(folder),
            "BINANCE_SPOT_REST_URL": urls["BINANCE_REST_URL"], "COMMANDS_PER_MINUTE": "6000", "SIMULATED": "true",
            "CHARTS": str(charts).lower(), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        if key:
            settings["COINGLASS_API_KEY"] = key
        own = ("TELEGRAM_", "COINGLASS_", "TELEGLAS_CONFIG", "ALLOWED_USERS", "WHITELISTED_USERS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        with (folder / "bot.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(ROOT / "main.py"), env=kept | settings, cwd=folder, stdout=log, stderr=log,
                stdin=asyncio.subprocess.DEVNULL)  # fmt: skip
        try:
            async with asyncio.timeout(30):
                while not _listens(api) and process.returncode is None:  # noqa: ASYNC110 - the server keeps no event for it
                    await asyncio.sleep(0.02)
            yield _Talk(api)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 10)


def _listens(api: BotApi) -> bool:
    return any(method == "getUpdates" for method, _ in api.requests)


async def _case(case: Case, urls: Mapping[str, str], given: argparse.Namespace, folder: Path) -> list[Answer]:
    heal(dict(urls))
    fault(dict(urls), "all", "latency", given.latency)
    before = await asyncio.to_thread(prices_now, urls)
    if given.from_start:
        _begin(case, urls)
    key = None if case.plan == "none" else f"matrix-{case.plan}-{case.number}"
    async with _bot(folder, urls, key, charts=given.charts) as talk:
        await talk.ask(PEOPLE[-1], "/help")
        await asyncio.sleep(1.0)  # the rest of the lists
        _begin(case, urls)
        asked = questions(case.number)
        turn = asyncio.Semaphore(given.at_once)

        async def one(who: int, question: Question) -> tuple[Question, Answer, Entry | None]:
            async with turn:
                seconds, entry = await talk.ask(who, question.text)
                answer = Answer(
                    case, question.text, seconds, f"{question.command} {question.coin or question.text}"
                )
                if not case.source and entry is not None:
                    answer.again_s, _ = await talk.ask(who, question.text)
                    if (answer.again_s or 0.0) > _KEPT_LIMIT_S:
                        # What an exchange's pace had no room for is asked anew; now all of it was answered before.
                        answer.again_s, _ = await talk.ask(who, question.text)
            return question, answer, entry

        told = await asyncio.gather(*map(one, PEOPLE, asked))
    heal(dict(urls))
    prices = _bounds(before, await asyncio.to_thread(prices_now, urls))
    nothing = await asyncio.to_thread(nothing_liquidated, urls, _TRUTH if key else "")
    answers = [_judged(*each, prices, nothing, given) for each in told]
    said = log_findings((folder / "bot.log").read_text(encoding="utf-8"))
    return [*answers, Answer(case, "the log", None, wrong=said)] if said else answers


def _begin(case: Case, urls: Mapping[str, str]) -> None:
    if case.source:
        fault(dict(urls), case.source, *FAULTS[case.kind])


def _judged(question: Question, answer: Answer, entry: Entry | None, prices: Mapping[str, tuple[float, float]],
            nothing: Mapping[str, Sequence[str]], given: argparse.Namespace) -> Answer:  # fmt: skip
    if entry is None:
        answer.wrong.append("no answer")
        return answer
    answer.text = entry.text
    answer.wrong += wrong(answer.case, question, entry, prices, nothing)
    if given.latency <= 200 and answer.seconds is not None and answer.seconds > _LIMIT_S:
        answer.wrong.append(f"late: {answer.seconds:.2f} s")
    if answer.again_s is not None and answer.again_s > _KEPT_LIMIT_S:
        answer.wrong.append(f"late from the cache: {answer.again_s:.2f} s")
    return answer


async def _run(given: argparse.Namespace) -> list[Answer]:
    chosen = cases(given.plan or PLANS, given.source or SOURCES, given.kind or list(FAULTS))[:: given.every]
    answers: list[Answer] = []
    whole: dict[tuple[str, str], frozenset[str]] = {}
    with tempfile.TemporaryDirectory() as aside, contextlib.ExitStack() as opened:
        keys = {f"matrix-{case.plan}-{case.number}": case.plan for case in chosen if case.plan != "none"}
        keys[_TRUTH] = "professional"
        markets = [_market(opened, Path(aside), number, keys) for number in range(min(_MARKETS, len(chosen)))]
        for number, case in enumerate(chosen):
            begun = time.monotonic()
            folder = Path(aside) / f"case-{number}"
            folder.mkdir()
            found = await _case(case, markets[number % len(markets)], given, folder)
            answers += found
            _compare(case, found, whole)
            bad = [answer for answer in found if answer.wrong]
            print(f"{number + 1}/{len(chosen)} {case}: {len(found)} answers, {len(bad)} wrong, "
                  f"{time.monotonic() - begun:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
            for answer in bad:
                print(f"    {answer.question}: {'; '.join(answer.wrong)}", flush=True)
    return answers


def _compare(case: Case, found: Sequence[Answer], whole: dict[tuple[str, str], frozenset[str]]) -> None:
    """Remember what is told without a fault, and find what is passed over with one."""
    for answer in found:
        key = case.plan, answer.about
        if not case.source:
            whole[key] = facts(answer.text)
        elif answer.text:
            answer.wrong += silence(whole.get(key, frozenset()), answer.text)


def _market(
    opened: contextlib.ExitStack, aside: Path, number: int, keys: Mapping[str, str]
) -> dict[str, str]:
    folder = aside / f"market-{number}"
    folder.mkdir()
    return opened.enter_context(market(folder, keys))


def _report(answers: Sequence[Answer]) -> None:
    timed = [answer.seconds for answer in answers if answer.seconds is not None]
    again = [answer.again_s for answer in answers if answer.again_s is not None]
    bad = [answer for answer in answers if answer.wrong]
    print(f"\n{len({answer.case for answer in answers})} cases, {len(answers)} answers, {len(bad)} wrong")
    for name, seconds in (("answers", timed), ("from the cache", again)):
        if seconds:
            ordered = sorted(seconds)
            print(f"{name}: p50 {statistics.median(ordered):.2f}, p95 {ordered[round(len(ordered) * 0.95) - 1]:.2f}, "
                  f"max {ordered[-1]:.2f} s")  # fmt: skip
    kinds = Counter(each.split(":")[0] for answer in bad for each in answer.wrong)
    for kind, times in kinds.most_common():
        print(f"{times:6} {kind}")


def _counted(answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    for answer in answers:
        yield asdict(answer)


def main() -> None:
    """Ask, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plan", action="append", choices=PLANS)
    parser.add_argument("--source", action="append", choices=SOURCES)
    parser.add_argument("--kind", action="append", choices=list(FAULTS))
    parser.add_argument("--every", type=int, default=1, help="only each so many-th case")
    parser.add_argument("--latency", type=int, default=200, help="ms before each REST answer")
    parser.add_argument("--at-once", type=int, default=5, help="people who ask at the same time")
    parser.add_argument("--charts", action="store_true", help="with pictures")
    parser.add_argument("--from-start", action="store_true", help="the fault is there before the bot")
    parser.add_argument("--out", type=Path, help="every answer, JSON lines")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the programs beside end, too
    answers = asyncio.run(_run(given))
    if given.out:
        given.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _counted(answers)))
    _report(answers)
    sys.exit(any(answer.wrong for answer in answers))


if __name__ == "__main__":
    main()
