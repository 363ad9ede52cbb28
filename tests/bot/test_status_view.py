"""What /status says in the reader's words of what the processes say of themselves."""

from __future__ import annotations

from bot.replies import Status
from bot.views.card import text
from bot.views.origin import Context
from bot.views.status import status
from teleglas.heartbeat import Feed, Heartbeat
from teleglas.language import load_words
from teleglas.telegram.hearing import CONFLICT
from teleglas.telegram.text import plain

NOW = 1_795_262_400_000
WORDS = load_words("bot")
DOWN = Feed("okx", "trades", "down", NOW - 3 * 3_600_000)


def shown(language: str, note: str, bot_note: str = "") -> str:
    """Return the card of an alert bot without data."""
    alert = Heartbeat(NOW - 2_000, NOW - 90_010_000, "0.1.0", feeds=(DOWN,), note=note)
    reply = Status("0.1.0", NOW - 130_000, NOW, bot_note, alert, None, {}, 0, None, simulated=False)
    return plain(text(status(reply, Context(WORDS[language], NOW))))


def test_the_usual_notes_are_said_in_every_language():
    """What the processes write in English is read in the reader's language, each note by itself."""
    note = "the database cannot be used; no feed delivers"
    assert "Alert bot: no feed delivers." in shown("en", note)
    for language in ("id", "ru", "zh"):
        card = shown(language, note, CONFLICT)
        for english in ("feed delivers", "cannot be used", "another program"):
            assert english not in card, language
    assert "Bot peringatan: tidak ada feed yang mengirim data." in shown("id", note)


def test_an_unusual_note_is_shown_as_it_is():
    """It is better read in English than not at all."""
    assert "something new" in shown("id", "something new")


def test_lengths_of_time_have_the_reader_s_units():
    """Two minutes are `mnt` in Indonesian."""
    card = shown("id", "")
    assert "2 mnt 10 dtk" in card
    assert "mati selama 3 jam" in card
    assert "1 hari 1 jam" in card
