"""The oracle of the kill test sees what it is there to see."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.oracle import drained, examine
from tests.test_recovery import START_MS, Machine, forced, tick

CHAT = 1
NEWS = "SIMULATED BTC: news\n#BTC #liquidation_storm"
LABELLED = NEWS + "\n(may repeat: the last attempt was not confirmed)"


def _entry(text: str, method: str = "sendMessage") -> str:
    return json.dumps({"method": method, "chat": CHAT, "text": text}) + "\n"


def _printed(folder: Path, *worth: int) -> None:
    rows = [{"asset": "BTC", "number": 1, "usd": f"{usd}.00"} for usd in worth]
    (folder / "truth.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
async def found(tmp_path):
    """Return a function that judges a ledger of these messages after one storm was decided."""
    machine = Machine(tmp_path)
    frames = [forced(START_MS, 1_200_000), forced(START_MS + 900, 1_300_000), tick(), tick()]
    await machine.live(frames, killed=False)
    _printed(tmp_path, 1_200_000, 1_300_000)

    def judge(*texts: str, in_gap: int = 0, charts: bool = False):
        (tmp_path / "ledger.jsonl").write_text("".join(map(_entry, texts)) + _entry(NEWS, "editMessageText"))
        return examine(
            journal=machine.journal, database=tmp_path / "alert.db", ledger=tmp_path / "ledger.jsonl",
            truth=tmp_path / "truth.jsonl", chats=[CHAT], in_gap=in_gap, scratch=tmp_path, charts=charts,
        )  # fmt: skip

    return judge


async def test_all_is_well(found):
    """One alert demanded, one arrived; edits are no repeats."""
    done = found(NEWS)
    assert (done.wrong, done.alerts, done.delivered, done.edits) == ([], 1, 1, 1)


async def test_a_loss(found):
    """An alert that the journal demands and the ledger lacks."""
    done = found()
    assert done.lost == 1
    assert any("lost" in line for line in done.wrong)


@pytest.mark.parametrize(
    ("texts", "in_gap", "complaint"),
    [
        ((NEWS, LABELLED), 1, None),
        ((NEWS, LABELLED), 0, "under way"),
        ((NEWS, NEWS), 1, "without the label"),
        ((NEWS, NEWS.replace("BTC", "ETH")), 1, "never decided"),
        ((NEWS, "hello"), 1, "nothing demands"),
    ],
)
async def test_repeats_and_strangers(found, texts, in_gap, complaint):
    """A repeat needs its label and a kill that explains it; nothing else may arrive."""
    wrong = found(*texts, in_gap=in_gap).wrong
    assert bool(wrong) == bool(complaint)
    assert complaint is None or any(complaint in line for line in wrong)


async def test_a_wrong_amount(found, tmp_path):
    """A storm that was seen whole must be told as what the market says it was worth."""
    _printed(tmp_path, 1_200_000, 1_300_001)
    assert any("the market says" in line for line in found(NEWS).wrong)


async def test_a_database_that_differs(found, tmp_path):
    """A verdict that the database lacks is named with its place."""
    with closing(sqlite3.connect(tmp_path / "alert.db")) as connection, connection:
        connection.execute("DELETE FROM verdicts WHERE action = 'send'")
    assert any("they differ from number" in line for line in found(NEWS).wrong)


async def test_a_missing_picture(found, tmp_path):
    """A message that was to have one and has none in the ledger, whatever its row says."""
    with closing(sqlite3.connect(tmp_path / "alert.db")) as connection, connection:
        connection.execute("UPDATE outbox SET told = 0, state = 'sent', message_id = 7, tier = 2, chat = '1'")
    assert found(NEWS).wrong == []
    assert any("message 7 has no picture" in line for line in found(NEWS, charts=True).wrong)


async def test_what_waits_is_not_drained(found, tmp_path):
    """An unsent message, a missing picture, and a group that waits all mean that more will be sent."""
    assert not drained(tmp_path / "alert.db")
    with closing(sqlite3.connect(tmp_path / "alert.db")) as connection, connection:
        connection.execute("UPDATE outbox SET told = 0, picture = '{}'")
    assert not drained(tmp_path / "alert.db")
    with closing(sqlite3.connect(tmp_path / "alert.db")) as connection, connection:
        connection.execute("UPDATE outbox SET picture = NULL, state = 'sent'")
    assert drained(tmp_path / "alert.db")
