"""Words leave at once; their picture is added when it is drawn, whatever happens in between."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from teleglas.storage.pictures import lacking
from teleglas.storage.records import State
from teleglas.storage.store import Store
from tests.outbox.alerts import START_MS, chart, decisions, edit, send
from ws_alert.delivery.render import render
from ws_alert.messages import Outcome, OutcomeKind, Tier
from ws_alert.outbox.outbox import commit_of, content_of
from ws_alert.outbox.pictures import TOO_LATE_MS

REFUSED = Outcome(OutcomeKind.UNDELIVERABLE, why="something new")
FLOOD = Outcome(OutcomeKind.RETRY_AT, wait_ms=30_000, why="Telegram's flood limit")


class Pencil:
    """Draws by script: a picture, or None where `fails` says so; while `held`, nothing."""

    def __init__(self):
        self.drawn: list[str] = []
        self.patience: list[float] = []
        self.fails: set[int] = set()
        self.going = asyncio.Event()
        self.going.set()

    async def __call__(self, picture, *, within_s):
        """Draw."""
        self.drawn.append(picture.title)
        self.patience.append(within_s)
        number = len(self.drawn)
        await self.going.wait()
        return None if number in self.fails else b"png %d" % number


@pytest.fixture
def pencil():
    """Return a drawer."""
    return Pencil()


@pytest.fixture
def drawing(start, pencil):
    """Return a way to start a dispatcher that draws."""
    return lambda **options: start(draw=pencil, **options)


def watch(name, **values):
    """Return the decision to send an alert with a picture."""
    return send(name, tier=Tier.WATCH, chart=chart(), **values)


def requests(delivery):
    """Return what the phone got: (time, send or edit, has a photo already, photo that came along)."""
    pairs = zip(delivery.phone.got, delivery.phone.details, strict=True)
    return [(at, what, one.get("has_photo"), one["photo"]) for (at, what, _, _), one in pairs]


async def hold(delivery, pencil):
    """Let drawings hang from now on."""
    pencil.going.clear()
    delivery.drawing_hangs = True


async def release(delivery, pencil):
    """Let them end."""
    pencil.going.set()
    delivery.drawing_hangs = False
    await delivery.idle()


@pytest.mark.parametrize(("target", "pace_ms"), [("42", 3_000), ("-7", 15_000)])
async def test_words_first_then_the_picture_then_captions(drawing, target, pace_ms):
    """The picture waits for its chat's gate, not for the pace of edits, which counts from it."""
    async with drawing() as made:
        await made.commit(watch("a", target=target))
        await made.advance(2_000)
        await made.commit(edit("a", 1, target=target, tier=Tier.WATCH))
        await made.advance(40_000)
    assert requests(made) == [
        (0, "send", None, None),
        (1_050, "edit", False, b"png 1"),
        (1_050 + pace_ms, "edit", True, None),
    ]
    counts = made.dispatcher.deliveries()
    assert (counts.sent, counts.edited, counts.pictured, counts.left_out) == (1, 1, 1, 0)
    assert (await made.alert("a")).state is State.SENT


async def test_an_info_alert_has_no_picture(drawing, pencil):
    """Only WATCH and above is drawn."""
    async with drawing() as made:
        await made.commit(send("a"), send("b", target="-7", tier=Tier.URGENT))
        await made.advance(60_000)
    assert [what for _, what, *_ in requests(made)] == ["send", "send"]
    assert pencil.drawn == []


async def test_a_due_edit_and_the_picture_are_one_request(drawing, pencil):
    """What the event has grown to meanwhile is told with the picture, the final total too."""
    async with drawing() as made:
        await hold(made, pencil)
        await made.commit(watch("a"))
        await made.idle()
        await made.commit(edit("a", 1, tier=Tier.WATCH), edit("a", 2, tier=Tier.INFO, final=True))
        await made.advance(10_000)
        assert len(made.phone.got) == 1
        await release(made, pencil)
        await made.advance(60_000)
    assert [(what, photo) for _, what, _, photo in requests(made)] == [("send", None), ("edit", b"png 1")]
    assert "over within a second" in made.phone.got[1][3]
    assert (await made.alert("a")).told == 2


async def test_a_drawing_holds_up_no_send(drawing, pencil):
    """While the drawer hangs, every message leaves on time, in the same chat and in others."""
    async with drawing() as made:
        await hold(made, pencil)
        await made.commit(watch("a"), watch("b"), watch("c", target="7"))
        await made.advance(5_000)
        assert [(at, what) for at, what, *_ in requests(made)] == [
            (0, "send"), (40, "send"), (1_050, "send"),
        ]  # fmt: skip
        await release(made, pencil)
        await made.advance(10_000)
    assert sum(photo is not None for *_, photo in requests(made)) == 3


async def test_a_send_waits_for_no_picture_on_its_way(drawing):
    """An upload that hangs delays no alert of its chat, nor does one just done; edits wait for it."""
    async with drawing() as made:
        await made.commit(watch("a"))
        await made.idle()
        upload = made.phone.blocked["42"] = asyncio.Event()
        await made.advance(1_100)
        assert requests(made)[-1][1:] == ("edit", False, b"png 1")
        await made.commit(watch("b"))
        async with asyncio.timeout(10):
            while len(made.phone.got) < 3:  # noqa: ASYNC110 - a list has no event
                await asyncio.sleep(0)
        assert requests(made)[-1] == (1_100, "send", None, None)
        upload.set()
        await made.advance(30_000)
    assert [(what, photo) for _, what, _, photo in requests(made)] == [
        ("send", None), ("edit", b"png 1"), ("send", None), ("edit", b"png 2"),
    ]  # fmt: skip


async def test_a_picture_waits_for_every_send_of_its_chat(drawing):
    """Sends rank before pictures, as before every edit."""
    async with drawing() as made:
        await made.commit(watch("a"))
        await made.idle()
        await made.commit(send("b"), send("c"))
        await made.advance(10_000)
    assert [what for _, what, *_ in requests(made)] == ["send", "send", "send", "edit"]


async def test_a_crash_between_words_and_picture(drawing, pencil, store):
    """The next process draws and adds it; the words are not sent again."""
    async with drawing() as made:
        await hold(made, pencil)
        await made.commit(watch("a"))
        await made.idle()
    assert await store.run(lacking) == [("a", "42")]
    pencil.going.set()
    async with drawing() as again:
        await again.advance(5_000)
    assert [(what, photo is not None) for _, what, _, photo in requests(again)] == [("edit", True)]
    assert await store.run(lacking) == []


async def test_a_crash_while_the_picture_was_on_its_way(drawing, pencil, store):
    """It is added once more, which shows once; should it have to follow as an answer, that says it may repeat."""
    async with drawing() as made:
        await hold(made, pencil)
        await made.commit(watch("a"))
        await made.idle()
    await store.run(Store.claim_next, made.time.now_ms + 2_000, lease_ms=60_000, drawn=["a"])
    pencil.going.set()
    async with drawing() as again:
        await again.advance(5_000)
    assert [(what, photo is not None) for _, what, _, photo in requests(again)] == [("edit", True)]
    assert ["may repeat" in short for short in again.phone.shorts] == [True]
    assert "may repeat" not in again.phone.got[0][3]


async def test_a_drawing_that_fails_is_tried_once_more(drawing, pencil):
    """Then the words stand alone; their edits go on, and nothing is drawn for them any more."""
    pencil.fails = {1, 3, 4}
    async with drawing() as made:
        await made.commit(watch("a"), watch("b", target="7"))
        await made.advance(10_000)
        await made.commit(edit("b", 1, target="7", tier=Tier.WATCH))
        await made.advance(60_000)
        bare = await made.alert("b")
    assert [(what, photo) for _, what, _, photo in requests(made)] == [
        ("send", None), ("send", None), ("edit", b"png 2"), ("edit", None),
    ]  # fmt: skip
    assert (len(pencil.drawn), bare.told, bare.photo) == (4, 1, False)
    assert made.dispatcher.deliveries().left_out == 1


async def test_a_refused_picture_leaves_the_words(drawing):
    """They stand, are edited on as text, and the admin hears why; nobody hears of a refused alert."""
    async with drawing() as made:
        await made.commit(watch("a"))
        await made.idle()
        made.phone.answers["42"].append(REFUSED)
        await made.commit(edit("a", 1, tier=Tier.WATCH))
        await made.advance(20_000)
    assert [(what, photo) for _, what, _, photo in requests(made)] == [
        ("send", None), ("edit", b"png 1"), ("edit", None),
    ]  # fmt: skip
    assert made.told_admin == ["a message to 42 stands without its picture: something new"]
    assert (made.refused, made.dispatcher.deliveries().left_out) == ([], 1)
    assert (await made.alert("a")).told == 1


async def test_a_picture_that_followed_is_not_sent_again(drawing):
    """A server that adds none to a text: it came as an answer, and newer words are told by an edit."""
    async with drawing() as made:
        await made.commit(watch("a"))
        await made.idle()
        made.phone.answers["42"].append(
            Outcome(OutcomeKind.SENT, message_id=1, photo=False, why="an old server")
        )
        await made.commit(edit("a", 1, tier=Tier.WATCH))
        await made.advance(60_000)
    assert [(what, has, photo) for _, what, has, photo in requests(made)] == [
        ("send", None, None), ("edit", False, b"png 1"), ("edit", False, None),
    ]  # fmt: skip
    assert made.told_admin == ["a message to 42 was sent, but: an old server"]


async def test_a_flood_wait_keeps_the_drawn_picture(drawing, pencil):
    """It goes when the wait ends, without being drawn again."""
    async with drawing() as made:
        await made.commit(watch("a"))
        await made.idle()
        made.phone.answers["42"].append(FLOOD)
        await made.advance(60_000)
    assert [(at, photo) for at, *_, photo in requests(made)] == [
        (0, None),
        (1_050, b"png 1"),
        (31_050, b"png 1"),
    ]
    assert len(pencil.drawn) == 1


async def test_a_picture_that_comes_too_late_is_no_news(drawing, store):
    """After ten minutes the message stays as it is, and its edits go on."""
    async with drawing() as made:
        await made.commit(watch("a"))
        await made.idle()
        made.phone.answers["42"].append(Outcome(OutcomeKind.RETRY_AT, wait_ms=TOO_LATE_MS + 60_000))
        await made.commit(edit("a", 1, tier=Tier.WATCH))
        await made.advance(TOO_LATE_MS + 30_000)
        assert await store.run(lacking) == []
        await made.advance(60_000)
    assert [(what, photo) for _, what, _, photo in requests(made)] == [
        ("send", None), ("edit", b"png 1"), ("edit", None),
    ]  # fmt: skip
    assert made.dispatcher.deliveries().left_out == 1


async def test_pictures_of_shut_chats_stand_in_no_ones_way(drawing):
    """However many chats wait, the picture of one that is open is drawn and added; few are kept."""
    shut = [str(n) for n in range(1, 9)]
    async with drawing() as made:
        await made.commit(*(watch(f"a{chat}", target=chat) for chat in shut))
        await made.advance(400)
        for chat in shut:
            made.phone.answers[chat].append(Outcome(OutcomeKind.RETRY_AT, wait_ms=300_000))
        await made.advance(10_000)
        await made.commit(watch("b", target="99"))
        await made.advance(10_000)
        assert (await made.alert("b")).photo
        assert len(made.dispatcher._pictures.ready) <= 4
        await made.advance(400_000)
        assert all([(await made.alert(f"a{chat}")).photo for chat in shut])


async def test_mail_waits_for_its_picture_and_telegram_does_not(start, pencil):
    """An e-mail is never edited: it has its picture from the start, or goes without after two seconds."""
    async with start(draw=pencil, beside=("mail:3f9a01",)) as made:
        await hold(made, pencil)
        await made.commit(watch("a"), watch("m", target="mail:3f9a01"))
        async with asyncio.timeout(10):
            while not (made.phone.got and len(pencil.drawn) == 2):  # noqa: ASYNC110 - lists have no event
                await asyncio.sleep(0)
        assert [what for _, what, *_ in requests(made)] == ["send"]
        assert min(pencil.patience) == 2.0
        await release(made, pencil)
        await made.advance(5_000)
    by_target = {to: one["photo"] for (_, what, to, _), one in zip(made.phone.got, made.phone.details, strict=True)
                 if what == "send"}  # fmt: skip
    assert by_target["42"] is None
    assert by_target["mail:3f9a01"] is not None
    assert (await made.alert("m")).state is State.SENT


async def test_pictures_that_were_switched_off_are_given_up(drawing, pencil, start, store):
    """A restart with CHARTS=false leaves the words of before as they are."""
    async with drawing() as made:
        await hold(made, pencil)
        await made.commit(watch("a"))
        await made.idle()
    async with start() as again:
        await again.advance(60_000)
        assert again.phone.got == []
    assert await store.run(lacking) == []


async def test_a_picture_of_another_version_stops_nothing(drawing, store):
    """What this version cannot draw is given up after two tries, and nothing else waits for it."""
    await store.run(Store.commit, commit_of(decisions(watch("a"), watch("b", target="7"))))
    for _ in "ab":
        row = await store.run(Store.claim_next, START_MS, lease_ms=60_000)
        picture = b"{}" if row.alert_id == "a" else msgspec.json.encode(render(content_of(row)).picture)
        await store.run(
            Store.confirm, row.alert_id, revision=0, message_id=1, photo=False, now_ms=START_MS,
            next_edit_ms=START_MS, picture=picture,
        )  # fmt: skip
    async with drawing() as made:
        await made.advance(60_000)
    assert [to for _, _, to, _ in made.phone.got] == ["7"]
    assert made.dispatcher.deliveries().left_out == 1
    assert await store.run(lacking) == []
