"""How long the command bot takes to answer, cold and from its cache, and with a hundred people at once.

    python benchmarks/answers.py [--latency 200] [--plan none ...] [--starts 30 | --crowd]

The simulated exchanges and CoinGlass answer each request after `--latency` ms. Cold: for each
command and plan a bot that was just started and has its lists of coins asks for BTC, ETH, a small
coin, one that is priced by the thousand, and one that nobody lists; then the same again at once,
from the cache. Every start has a key of its own, so that one row does not use up another's minute.
Goals (SPEC 7): none over 2 s, none over 0.3 s from the cache; a hundred people p95 < 2 s, nobody
left without an answer, at most 80 requests a minute to CoinGlass on the Startup plan.

--starts: instead, this many cold starts for each plan, each asked `/raw BTC` at once; tells how many
answers came late, and how many named no figure at all. --crowd: only the hundred people.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterable
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import command_bot
from command_bot import PEOPLE

_PLANS = ("none", "hobbyist", "startup", "standard", "professional")
_COMMANDS = ("raw", "liq", "whale", "sentiment", "orderbook", "oi", "funding", "rsi", "heat")
_COINS = {"BTC": "btc", "ETH": "eth", "small": "SEI", "multiplied": "1000PEPE", "unknown": "NOSUCHCOIN"}
_WITHOUT_COIN = ("liq", "whale")
_CROWD_COMMANDS = (*_COMMANDS, "whale 1000000")
_LIMIT_S, _CACHED_LIMIT_S = 2.0, 0.3
_FIGURE, _GAP = "$", "did not answer"
Times = dict[str, float]


async def _rows(folder: Path, urls: dict[str, str], plan: str, keys: Iterable[str]) -> None:
    print(f"\n{plan}: seconds      cold p50   p95   max   of           cached p50   p95   max")
    cold_all: list[float] = []
    kept_all: list[float] = []
    for command, key in zip(_COMMANDS, keys, strict=False):
        cold, kept = await _asked(
            folder / f"{plan}-{command}", urls, None if plan == "none" else key, command
        )
        slowest = max(cold, key=lambda coin: cold[coin])
        cold_all += cold.values()
        kept_all += kept.values()
        print(
            f"  /{command:12}       {_three(cold.values())}   {slowest:12}     {_three(kept.values())}",
            flush=True,
        )
    late, slow = sum(each > _LIMIT_S for each in cold_all), sum(each > _CACHED_LIMIT_S for each in kept_all)
    print(f"  all                {_three(cold_all)}                    {_three(kept_all)}")
    print(
        f"  over {_LIMIT_S} s: {late} of {len(cold_all)}; over {_CACHED_LIMIT_S} s from the cache: {slow}; {_load()}"
    )


async def _asked(folder: Path, urls: dict[str, str], key: str | None, command: str) -> tuple[Times, Times]:
    cold, kept = {}, {}
    async with command_bot.bot(folder, urls, key) as chat:
        await chat.ask("/help")
        await asyncio.sleep(3)  # the lists of coins come by themselves after the start
        questions = {coin: f"/{command} {spelt}" for coin, spelt in _COINS.items()}
        if command in _WITHOUT_COIN:
            questions["no coin"] = f"/{command}"
        for coin, question in questions.items():
            cold[coin], _ = await chat.ask(question)
            kept[coin], _ = await chat.ask(question)
    return cold, kept


async def _crowd(folder: Path, urls: dict[str, str], plan: str, key: str) -> None:
    async with command_bot.bot(folder / f"crowd-{plan}", urls, None if plan == "none" else key) as chat:
        before = command_bot.spent(urls)
        coins = ("btc", "eth", "sol", "1000pepe", "doge")
        questions = {
            who: f"/{_CROWD_COMMANDS[at % len(_CROWD_COMMANDS)]} {coins[at // 10 % len(coins)]}"
            for at, who in enumerate(PEOPLE)
        }
        for turn in ("cold", "again"):
            cpu_s = chat.cpu_s()
            took = await chat.ask_together(questions)
            cpu_s = chat.cpu_s() - cpu_s
            print(f"  {plan:12} {turn:6} {_three(took.values())}   unanswered {len(questions) - len(took)}   CPU {cpu_s:.1f} s   "
                  f"CoinGlass requests {command_bot.spent(urls) - before} since the start; {_load()}", flush=True)  # fmt: skip


async def _starts(folder: Path, urls: dict[str, str], plan: str, keys: Iterable[str], times: int) -> None:
    took, cpu, texts = [], [], []
    for number, key in zip(range(times), keys, strict=False):
        place = folder / f"start-{plan}-{number}"
        async with command_bot.bot(place, urls, None if plan == "none" else key) as chat:
            before = chat.cpu_s()
            seconds, answer = await chat.ask("/raw btc")
            cpu.append(chat.cpu_s() - before)
        took.append(seconds)
        texts.append(answer.text)
    late = sum(each > _LIMIT_S for each in took)
    empty = [text for text in texts if _FIGURE not in text.split("\n")[0]]
    gaps = [line for text in texts for line in text.split("\n") if _GAP in line]
    print(f"  {plan:12} {_three(took)}   CPU {statistics.median(cpu):.2f} s   over {_LIMIT_S} s: {late} of {times}   without a price: {len(empty)}   "
          f"with a block unanswered: {len(gaps)}; {_load()}", flush=True)  # fmt: skip
    for line in dict.fromkeys(gaps):
        print(f"    {line}")


def _three(seconds: Iterable[float]) -> str:
    ordered = sorted(seconds)
    if not ordered:
        return "    -     -     -"
    high = ordered[min(len(ordered) - 1, round(len(ordered) * 0.95))]
    return f"{statistics.median(ordered):5.2f} {high:5.2f} {ordered[-1]:5.2f}"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


async def _run(plans: list[str], latency_ms: int, starts: int, *, crowd_only: bool) -> None:
    numbers = count()
    keys = {
        plan: [f"benchmark-{plan}-{next(numbers)}" for _ in range(max(starts, len(_COMMANDS)) + 1)]
        for plan in plans
    }
    known = {key: plan for plan, names in keys.items() if plan != "none" for key in names}
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        async with command_bot.market(folder, known, latency_ms) as urls:
            if starts:
                print(f"{starts} cold starts, /raw BTC at once: seconds p50 p95 max")
            for plan in plans:
                if starts:
                    await _starts(folder, urls, plan, keys[plan], starts)
                elif not crowd_only:
                    await _rows(folder, urls, plan, keys[plan])
            if not starts:
                print(f"\n{len(PEOPLE)} people at once: seconds p50 p95 max")
                for plan in plans:
                    await _crowd(folder, urls, plan, keys[plan][-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latency", type=int, default=200, help="ms before each REST answer")
    parser.add_argument("--plan", action="append", choices=_PLANS, help="may be repeated; all by default")
    parser.add_argument("--starts", type=int, default=0, help="cold starts for each plan")
    parser.add_argument("--crowd", action="store_true", help="only the hundred people at once")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the programs beside end, too
    plans = given.plan or list(_PLANS)
    asyncio.run(_run(plans, given.latency, given.starts, crowd_only=given.crowd))


if __name__ == "__main__":
    main()
