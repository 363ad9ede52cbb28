"""What must be true after any number of kills, judged by the ledger of the receiving side."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ws_alert.messages import Verdict
from ws_alert.sources.replay import replay
from ws_alert.sources.replay_lines import verdict_line

__all__ = ["Found", "drained", "examine", "pictured"]

_TAGS = re.compile(r"^#(\w+) #(\w+)$", re.MULTILINE)
_LABEL = "may repeat"
_SHOWN = 5


class Found(NamedTuple):
    """The result. alerts: sends that the journal demands, over all chats. wrong: every violation."""

    records: int
    alerts: int
    storms: int
    delivered: int
    lost: int
    repeats: int
    labelled: int
    edits: int
    pictures: int
    verdicts: int
    wrong: list[str]


class _Arrived(NamedTuple):
    sends: Counter[tuple[int, str, str]]
    labelled: Counter[tuple[int, str, str]]
    others: list[str]
    edits: int
    pictures: set[tuple[int, int]]


def examine(
    *,
    journal: Path,
    database: Path,
    ledger: Path,
    truth: Path,
    chats: Sequence[int],
    in_gap: int,
    scratch: Path,
    charts: bool = False,
) -> Found:
    """Compare the ledger and the database with an uninterrupted replay of the final journal.

    in_gap: deliveries that were under way at the kills; each may be repeated once. charts: each
    message of WATCH and above must have got its picture.
    """
    out = scratch / "replay.jsonl"
    summary = replay(journals=[journal], liquidations=[], trades=[], out=out, findings=None, rules=None)
    lines = out.read_text(encoding="utf-8").splitlines()
    demanded = [line for line in map(json.loads, lines) if line["action"] == "send"]
    wrong = [f"{summary.broken} records break the engine: {summary.first_broken}"] if summary.broken else []
    wrong += _differing(lines, database, chats)
    wrong += _wrong_amounts(demanded, truth)
    sends = Counter((line["asset"], line["kind"]) for line in demanded)
    arrived = _arrivals(ledger)
    wrong += [f"a message that nothing demands: {text}" for text in arrived.others[:_SHOWN]]
    lost, repeats = Counter[Any](), Counter[Any]()
    for chat in chats:
        for (asset, kind), wanted in sends.items():
            key = (chat, asset, kind)
            lost[key] = max(0, wanted - arrived.sends[key])
            repeats[key] = max(0, arrived.sends[key] - wanted)
            if repeats[key] > arrived.labelled[key]:
                wrong.append(f"repeated without the label: {key}")
    wrong += [f"lost: {key}" for key, count in lost.items() if count][:_SHOWN]
    wrong += [f"never decided: {key}" for key in arrived.sends if key not in lost][:_SHOWN]
    if charts:
        wrong += _without_picture(database, arrived.pictures)
    if repeats.total() > in_gap:
        wrong.append(f"{repeats.total()} repeats, but only {in_gap} deliveries were under way at the kills")
    return Found(
        records=summary.inputs,
        alerts=sends.total() * len(chats),
        storms=sum(count for (_, kind), count in sends.items() if kind == "liquidation_storm"),
        delivered=arrived.sends.total() - repeats.total(),
        lost=lost.total(),
        repeats=repeats.total(),
        labelled=arrived.labelled.total(),
        edits=arrived.edits,
        pictures=len(arrived.pictures),
        verdicts=len(lines),
        wrong=wrong,
    )


def drained(database: Path) -> bool:
    """Return whether nothing waits any more: no unsent message, no picture, and no group that will release one."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        unsent = connection.execute(
            "SELECT count(*) FROM outbox WHERE (told < 0 OR picture IS NOT NULL) AND state IN ('pending', 'leased')"
        )
        memory = connection.execute("SELECT memory FROM engine_memory").fetchone()
        known = json.loads(memory[0]) if memory else {"decider": {"targets": {}}}
        return unsent.fetchone()[0] == 0 and not any(each["groups"] for each in known["decider"]["targets"].values())


def _differing(lines: list[str], database: Path, chats: Sequence[int]) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT target, body FROM verdicts ORDER BY verdict_id").fetchall()
    wrong = []
    for chat in chats:
        kept = [
            verdict_line(msgspec.json.decode(body, type=Verdict))
            for target, body in rows
            if target == str(chat)
        ]
        if kept == lines:
            continue
        place = next((n for n, pair in enumerate(zip(kept, lines, strict=False)) if pair[0] != pair[1]), None)
        place = min(len(kept), len(lines)) if place is None else place
        wrong.append(
            f"chat {chat}: the database has {len(kept)} verdicts, the replay {len(lines)}; they differ from number "
            f"{place} on:\n    database {_at(kept, place)}\n    replay   {_at(lines, place)}"
        )
    return wrong


def _at(lines: list[str], place: int) -> str:
    return lines[place] if place < len(lines) else "(nothing)"


def _wrong_amounts(demanded: Iterable[dict[str, Any]], truth: Path) -> list[str]:
    """Compare each numbered storm that was seen whole with what the market says it was worth."""
    printed: dict[tuple[str, int], list[float]] = {}
    for line in truth.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["number"]:
            printed.setdefault((row["asset"], row["number"]), []).append(float(row["usd"]))
    worth: dict[str, set[float]] = {}
    for (asset, _), parts in printed.items():
        worth.setdefault(asset, set()).add(round(sum(parts), 2))
    return [
        f"{line['asset']} was told as {line['told_usd']}, the market says {worth.get(line['asset'])}"
        for line in demanded
        if line["kind"] == "liquidation_storm"
        and line["told_count"] == 2
        and line["told_usd"] not in worth.get(line["asset"], set())
    ]


def _without_picture(database: Path, pictures: set[tuple[int, int]]) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        told = connection.execute(
            "SELECT chat, message_id, why FROM outbox WHERE tier >= 2 AND told >= 0 AND content_type = 'alert'"
        ).fetchall()
    bare = [(chat, number, why) for chat, number, why in told if (int(chat), number) not in pictures]
    return [f"chat {chat}: message {number} has no picture ({why})" for chat, number, why in bare[:_SHOWN]]


def pictured(ledger: Path) -> int:
    """Return how many messages have a picture by now; the Bot API may be writing its next line."""
    whole = ledger.read_text(encoding="utf-8").rpartition("\n")[0] if ledger.exists() else ""
    entries = [json.loads(line) for line in whole.splitlines()]
    return len({(entry["chat"], entry["message_id"]) for entry in entries if entry.get("photo")})


def _arrivals(ledger: Path) -> _Arrived:
    arrived = _Arrived(Counter(), Counter(), [], 0, set())
    edits = 0
    for line in ledger.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry.get("photo"):
            arrived.pictures.add((entry["chat"], entry["message_id"]))
        if not entry["method"].lower().startswith("send"):
            edits += 1
            continue
        tags = _TAGS.search(entry["text"])
        if tags is None:
            arrived.others.append(entry["text"].splitlines()[0])
            continue
        key = (entry["chat"], tags[1], tags[2])
        arrived.sends[key] += 1
        arrived.labelled[key] += _LABEL in entry["text"]
    return arrived._replace(edits=edits)
