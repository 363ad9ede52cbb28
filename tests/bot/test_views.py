"""Cards hold for every answer in every language: sizes, columns, tags, buttons, and no invented figure."""

from __future__ import annotations

import re
from datetime import UTC
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answers import COINGLASS, Reason, missing
from bot.commands.samples import NOW_MS, samples
from bot.replies import AlertLine, Alerts
from bot.views import (
    depth,
    heat,
    interest,
    liquidations,
    log,
    market_view,
    mood,
    overview,
    status,
    track,
    whales,
)
from bot.views.card import CAPTION_CHARS, DATA_BYTES, TEXT_CHARS, Card, Part, caption, keyboard, text
from bot.views.figures import COLUMNS, percent, signed_usd, table, width, zone_name
from bot.views.origin import Context
from simulator.bot_api.formatting import parse_html
from teleglas.charts.picture import AnyPicture
from teleglas.language import LANGUAGES, load_words
from teleglas.telegram.text import plain
from tests.bot.made_replies import NOW, REPLIES
from ws_alert.messages import Kind

WORDS = load_words("bot")
VIEWS = {
    "overview": overview.overview, "liquidations": liquidations.liquidations, "market": liquidations.market,
    "market_view": market_view.market_view, "whales": whales.whales, "sentiment": mood.sentiment, "depth": depth.depth, "open_interest": interest.open_interest,
    "funding": interest.funding_card, "rsi": mood.rsi, "heat": heat.heat, "alerts": log.alerts, "record": track.record,
    "status": status.status,
}  # fmt: skip
ZONES = [UTC, ZoneInfo("Asia/Jakarta"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns")]
INVENTED = re.compile(r"\b(None|nan|inf|N/A)\b")


def check(card: Card) -> None:
    """Demand that a phone can show it and Telegram takes it."""
    for html, limit in ((text(card), TEXT_CHARS), (caption(card)[0], CAPTION_CHARS)):
        assert len(parse_html(html).text) <= limit
        assert html.strip()
        first = plain(html).split("\n", 1)[0]
        assert first.strip()
        for block in re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL):
            for line in plain(block).split("\n"):
                assert width(line) <= COLUMNS, line
    rows = keyboard(card, whole=False)
    assert all(0 < len(button.data.encode()) <= DATA_BYTES and button.text for row in rows for button in row)
    assert all(len(row) <= 8 for row in rows)
    if card.picture is not None:
        packed = msgspec.msgpack.encode(card.picture)
        assert msgspec.msgpack.decode(packed, type=AnyPicture) == card.picture


@pytest.mark.parametrize("kind", sorted(VIEWS))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_answer_is_a_card(kind, data):
    """Whatever the sources say, in every language and time zone: sizes, columns, tags and buttons hold."""
    language = data.draw(st.sampled_from(sorted(LANGUAGES)))
    context = Context(
        WORDS[language], NOW, data.draw(st.sampled_from(ZONES)), simulated=data.draw(st.booleans())
    )
    check(VIEWS[kind](data.draw(REPLIES[kind]), context))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_samples_are_whole(language):
    """An ordinary answer loses nothing to the limits, in any language, and its picture's caption fits."""
    for name, card in samples(Context(WORDS[language], NOW_MS)).items():
        check(card)
        assert all(plain(part.html) in plain(text(card)) for part in card.parts if part.html), name
        assert not INVENTED.search(plain(text(card))), name


def test_pictures_come_with_their_words():
    """Where a picture stands, its caption begins with the news and ends with source and time."""
    cards = samples(Context(WORDS["en"], NOW_MS))
    for name in ("liq", "oi", "funding", "heat"):
        card = cards[name]
        assert card.picture is not None, name
        assert card.key, name
        shown = plain(caption(card)[0])
        assert shown.split("\n")[0].startswith("BTC"), name
        assert "Updated 12:00:00 UTC" in shown, name
        assert "In short" in shown, name


def test_missing_is_said_and_never_zero():
    """A card of which nothing is known says why, and shows no amount."""
    nothing = missing(Reason.NEEDS_PLAN, COINGLASS, "Startup")
    overview_of_nothing = msgspec.structs.replace(
        _sample_overview(),
        **{name: nothing for name in type(_sample_overview()).__struct_fields__ if name != "coin"},
    )
    shown = plain(text(overview.overview(overview_of_nothing, Context(WORDS["en"], NOW_MS))))
    assert "needs the Startup plan of CoinGlass" in shown
    assert "$" not in shown
    assert "0" not in shown.replace("12:00:00", "")


def _sample_overview():
    from bot.commands.samples import _overview  # noqa: PLC0415 - the sample itself, not its card

    return _overview()


def test_zero_is_shown_as_zero():
    """A funding of zero and no liquidation are figures, not gaps."""
    reply = _sample_overview()
    funding = reply.funding.value
    zero = msgspec.structs.replace(funding, by_venue=tuple(
        msgspec.structs.replace(row, percent=0.0, percent_8h=0.0) for row in funding.by_venue), weighted_8h=0.0)  # fmt: skip
    reply = msgspec.structs.replace(reply, funding=msgspec.structs.replace(reply.funding, value=zero))
    shown = plain(text(overview.overview(reply, Context(WORDS["en"], NOW_MS))))
    assert "+0.0000%" in shown
    assert "Not known: whale index" in shown


def test_least_important_parts_go_first():
    """Where a card is too long, parts of the highest rank are left out, and it is said to be cut."""
    card = Card((Part("news"), Part("x" * 950, 2), Part("y" * 90, 1), Part("end")))
    shown, whole = caption(card)
    assert (shown, whole) == ("news\n" + "y" * 90 + "\nend", False)
    assert caption(Card((Part("news"),))) == ("news", True)


@given(st.lists(st.lists(st.text(max_size=30), min_size=1, max_size=6), max_size=8))
def test_tables_fit(rows):
    """No cell, however wide, makes a line wider than a phone."""
    drawn = table(rows)
    assert drawn == "" or parse_html(drawn).text is not None
    for line in plain(drawn.removeprefix("<pre>").removesuffix("</pre>")).split("\n"):
        assert width(line) <= COLUMNS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_alert_is_named(language):
    """Each kind that the alert bot knows has a name of its own in /alerts and /record, in each language."""
    assert set(log.KINDS) == {kind.value for kind in Kind}
    context = Context(WORDS[language], NOW_MS)
    names = {kind: log.kind_name(kind, context) for kind in log.KINDS}
    assert len(set(names.values())) == len(names)
    if language != "en":
        assert all(names[kind] != log.kind_name(kind, Context(WORDS["en"], NOW_MS)) for kind in log.KINDS)
    assert all("_" not in name for name in names.values())


def test_alerts_show_only_amounts_that_happened():
    """Funding and open interest tell no USD of what is open, a confluence none at all, and `neutral` is no side."""
    rows = tuple(
        AlertLine(kind, "BTC", side, usd, NOW_MS, "WATCH", "sent")
        for kind, side, usd in (
            ("funding_extreme", "long", 2_100_000_000_00), ("oi_divergence", "neutral", 86_100_000_00),
            ("candle_confluence", "bullish", 0), ("volume_spike", "neutral", 18_400_000_00), ("stop_hunt", "short", 3_210_000_00),
        )
    )  # fmt: skip
    lines = plain(text(log.alerts(Alerts(rows), Context(WORDS["en"], NOW_MS)))).split("\n")
    assert [line.split(" ", 2)[2] for line in lines if line.startswith("11-")] == [
        "BTC extreme funding long · WATCH",
        "BTC OI divergence · WATCH",
        "BTC candle confluence bullish · WATCH",
        "BTC volume spike $18.4M · WATCH",
        "BTC stop hunt short $3.21M · WATCH",
    ]


def test_figures():
    """Signs, decimals and zones as traders read them."""
    assert [percent(value) for value in (0.4, -0.0, 123.456, -4567.8)] == [
        "+0.40%",
        "+0.00%",
        "+123.5%",
        "-4568%",
    ]
    assert [signed_usd(value) for value in (1.2e6, -3e5, 0.0)] == ["+$1.20M", "-$300K", "$0"]
    assert [zone_name(zone, NOW_MS) for zone in ZONES] == ["UTC", "WIB", "UTC+5:45", "NST"]
