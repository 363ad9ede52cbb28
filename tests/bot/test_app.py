"""The whole command bot over HTTP: what people type and press, whatever the sources do."""

from __future__ import annotations

import asyncio
import os
import re
import time

import pytest

from simulator.bot_api.faults import Fault
from teleglas.outcomes import Move
from teleglas.storage import outcomes, tape
from teleglas.storage.outcomes import open_outcomes, settle
from teleglas.storage.store import open_store
from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Batch, Event, FeedMinute
from tests.bot.chatting import CHANNEL, GROUP, OWNER, PEOPLE, chatting, fault, heal, market, requests_to
from tests.storage.rows import commit, message, outcome, verdict

COMMANDS = ("raw", "liq", "whale", "sentiment", "orderbook", "oi", "funding", "rsi", "heat")
COINS = {"BTC": "btc", "ETH": "$ETH", "DOGE": "DOGE-USDT-SWAP", "PEPE": "1000pepeusdt"}


def slowest_s() -> float:
    """Return the longest an answer may take: 2 s (SPEC 7) on a machine that has nothing else to do."""
    return 2.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """Return the addresses of one market for all tests here."""
    with market(tmp_path_factory.mktemp("market")) as found:
        yield found


@pytest.fixture(autouse=True)
def _healthy(urls):
    heal(urls)
    yield
    heal(urls)


@pytest.fixture
async def chat(urls, tmp_path):
    """Return a chat with a bot that has no CoinGlass key, warmed by one question."""
    async with chatting(urls, tmp_path) as found:
        await found.say("/raw btc")
        yield found


def sound(entry, coin: str | None = None) -> None:
    """Demand an answer about this coin and no other, without a trace of an error."""
    assert not re.search(r"\b(None|nan|inf|Traceback|Error)\b", entry.text), entry.text
    assert "went wrong" not in entry.text
    if coin is not None:
        first = entry.text.split("\n")[0]
        assert re.search(rf"\b{coin}\b", first), entry.text
        others = set(COINS) - {coin}
        assert not any(re.search(rf"\b{other}\b", first) for other in others), entry.text


async def test_every_command_for_every_spelling(chat):
    """Each command answers for large, small and multiplied coins in every spelling, in time, without a key."""
    for command in COMMANDS:
        for coin, spelt in COINS.items():
            entry = await chat.say(f"/{command} {spelt}")
            sound(entry, coin)
            assert chat.asked < slowest_s(), (command, coin, chat.asked)


@pytest.mark.parametrize("plan", ["hobbyist", "startup", "standard", "professional"])
async def test_every_command_on_every_plan(urls, tmp_path, plan):
    """A key of any plan is used, and what it does not include comes from elsewhere or is said."""
    async with chatting(urls, tmp_path, plan=plan) as chat:
        await chat.say("/raw btc")
        for command in COMMANDS:
            entry = await chat.say(f"/{command} btc")
            sound(entry, "BTC")
            assert chat.asked < slowest_s(), (command, chat.asked)
        liquidated = await chat.say("/liq btc")
        assert "CoinGlass" in liquidated.text
        shown = await chat.say("/status")
        assert re.search(r"CoinGlass: \d+ of \d+ requests", shown.text)


async def test_the_price_of_a_multiplied_coin_is_of_one_coin(chat):
    """PEPE trades by the thousand; its price is of one."""
    entry = await chat.say("/rsi kPEPE")
    price = re.search(r"Price: \$([\d.,]+)", entry.text)
    assert price is not None
    assert float(price[1].replace(",", "")) < 0.001


async def test_unknown_coins_are_never_another_s(chat):
    """An unknown coin is answered with those that are spelled alike, as buttons that work."""
    entry = await chat.say("/liq btcc")
    assert entry.text.startswith("No exchange lists a coin named btcc")
    sound(await chat.press(entry, "BTC"), "BTC")
    nothing = await chat.say("/raw zzzzqqqq")
    assert chat.buttons(nothing) == []
    hostile = await chat.say("/raw <b>&amp;</b>")
    assert "<b>&amp;</b>" in hostile.text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/whale btc 100,000", "whale BTC 100000"),
        ("/whale btc $1.000.000", "whale BTC 1000000"),
        ("/whale 1,000,000", "whale * 1000000"),
        ("/whale btc 1.5m", "whale BTC 1500000"),
        ("/whale btc 0,5M", "whale BTC 500000"),
        ("/liq 4h btc", "liq BTC 4h"),
        ("/oi 7d eth", "oi ETH 7d"),
        ("/heat 12h", "heat BTC 12h"),
    ],
)
async def test_amounts_and_lengths_of_time_in_any_form_and_place(chat, typed, meant):
    """What was understood stands on the refresh button: thousands in groups, fractions of millions, words in any order."""
    entry = await chat.say(typed)
    assert ("↻ Refresh", meant) in chat.buttons(entry)


async def test_refresh_edits_in_place(chat):
    """↻ and a window's button change the message itself, with a new time; the chat grows by nothing."""
    entry = await chat.say("/liq btc")
    await asyncio.sleep(1.05 - time.time() % 1)  # the card tells the second: in the same one nothing changes
    again = await chat.press(entry, "Refresh")
    assert (again.method.lower(), again.message_id) == ("editmessagetext", entry.message_id)
    hour = await chat.press(entry, "1h")
    assert hour.message_id == entry.message_id
    assert ("· 1h ·", "liq BTC 1h") in chat.buttons(hour)
    other = await chat.press(entry, "/raw")
    assert other.message_id != entry.message_id


async def test_commands_people_mistype(chat):
    """An unknown command offers those that are spelled alike; a coin alone offers what can be asked."""
    entry = await chat.say("/rwa btc")
    assert ("/raw", "+raw") in chat.buttons(entry)
    assert (await chat.say("/ликвидации")).text.startswith("There is no command")
    menu = await chat.say("btc")
    sound(await chat.press(menu, "/rsi"), "BTC")
    assert "TELEGLAS answers" in (await chat.say("good morning")).text


async def test_groups_channels_and_other_bots(chat):
    """Groups get answers to commands only, also with this bot's name; other bots' commands are left to them."""
    before = len(chat.api.ledger.entries)
    for text in ("hello all", "/price btc", "/liq@other_bot btc"):
        chat.api.people.say(GROUP, text, user=PEOPLE[1])
    entry = await chat.say("/rsi@simulated1_bot btc", chat=GROUP, who=PEOPLE[1])
    sound(entry, "BTC")
    assert entry.reply_to is not None
    assert len(chat.api.ledger.entries) == before + 1
    sound(await chat.say("/rsi eth", chat=CHANNEL), "ETH")


async def test_a_list_denies_everyone_else(urls, tmp_path):
    """Only who is on the list, and the admin, is answered; for others every command and button is refused."""
    async with chatting(urls, tmp_path, allowed_users=str(PEOPLE[0])) as chat:
        sound(await chat.say("/rsi btc"), "BTC")
        sound(await chat.say("/rsi btc", who=OWNER), "BTC")
        stranger = await chat.say("/raw_orderbook btc", who=PEOPLE[5])
        assert (
            stranger.text
            == f"This bot answers only the people on its list. Give its owner your id: {PEOPLE[5]}"
        )
        before = len(chat.api.ledger.entries)
        for text in ("/status", "btc", "/start"):
            chat.api.people.say(PEOPLE[5], text)
        sound(await chat.say("/rsi eth"), "ETH")
        assert len(chat.api.ledger.entries) == before + 1


async def test_who_asks_too_fast_is_told(urls, tmp_path):
    """Beyond the pace a person is told to wait, not a hundred times; others are answered meanwhile."""
    async with chatting(urls, tmp_path, commands_per_minute=1) as chat:
        entries = [await chat.say("/lang") for _ in range(8)]
        for _ in range(3):
            assert (await chat.say("/about")).text.startswith("Slow down, please: ask again in")
        before = len(chat.api.ledger.entries)
        for _ in range(20):
            chat.api.people.say(PEOPLE[0], "/about")
        assert "TELEGLAS" in (await chat.say("/about", who=PEOPLE[1])).text
        assert len(chat.api.ledger.entries) <= before + 3
        button = chat.buttons(entries[-1])[0][1]
        chat.api.people.press(PEOPLE[0], entries[-1].message_id, button)
        async with asyncio.timeout(5):
            while not any(said.startswith("Slow down") for said in chat.toasts()):  # noqa: ASYNC110 - the server keeps no event for it
                await asyncio.sleep(0.02)


async def test_updates_without_a_new_message(chat):
    """A corrected command is answered; a press whose message is gone, or that we never made, is told what to do."""
    (bot,) = chat.api.world.bots.values()
    person = {"id": PEOPLE[0], "is_bot": False, "first_name": "P", "language_code": "id"}
    home = {"id": PEOPLE[0], "type": "private"}
    before = len(chat.api.ledger.entries)
    corrected = {"message_id": 7, "date": 1, "edit_date": 2, "chat": home, "from": person, "text": "/rsi eth"}
    bot.updates.put("edited_message", corrected)
    entries = await chat.api.ledger.until(lambda found: len(found) > before, timeout=8.0)
    sound(entries[before], "ETH")
    gone = {"chat": home, "message_id": 3, "date": 0}
    for number, extra in enumerate(
        ({"data": "rsi BTC"}, {"message": gone, "data": "§"}, {"message": gone, "data": "rsi BTC"})
    ):
        bot.callbacks.add(f"x{number}")
        bot.updates.put("callback_query", {"id": f"x{number}", "from": person, "chat_instance": "1"} | extra)
    async with asyncio.timeout(5):
        while len(chat.toasts()) < 3:  # noqa: ASYNC110 - the server keeps no event for it
            await asyncio.sleep(0.02)
    assert sorted(chat.toasts()) == ["", *["Tombol ini sudah terlalu lama; silakan ketik perintahnya."] * 2]
    entries = await chat.api.ledger.until(lambda found: len(found) > before + 1, timeout=8.0)
    sound(entries[before + 1], "BTC")  # what cannot be edited any more is sent anew


async def test_language_and_time_zone_are_remembered(urls, tmp_path):
    """Telegram's language is the default; what a person chose stays, also after a restart."""
    async with chatting(urls, tmp_path) as chat:
        assert "Perintah" in (await chat.say("/help", language="id")).text
        chosen = await chat.say("/lang en", language="id")
        assert chosen.text == "From now on I answer in English."
        assert "Asia/Jakarta" in (await chat.say("/tz jakarta", language="id")).text
    async with chatting(urls, tmp_path) as chat:
        shown = await chat.say("/status", language="id")
        assert re.search(r"Updated \d\d:\d\d:\d\d WIB", shown.text)


async def test_one_source_fails(chat, urls):
    """An exchange that times out, refuses, or talks nonsense costs its figures only, and is named."""
    for kind, value in (
        ("stall_rest", 1),
        ("refuse_rest", 500),
        ("refuse_rest", 429),
        ("html_rest", 1),
        ("rename_rest", 1),
    ):
        fault(urls, "okx", kind, value)
        for coin in ("ETH", "PEPE"):
            entry = await chat.say(f"/raw {coin.lower()}")
            sound(entry, coin)
            assert chat.asked < slowest_s(), (kind, chat.asked)
        assert "Binance" in entry.text
        heal(urls)


async def test_status_tells_how_coinglass_is(urls, tmp_path):
    """The source that people pay for stands among the others: when it answered, and what is wrong with it now."""
    async with chatting(urls, tmp_path, plan="standard") as chat:
        await chat.say("/oi btc")
        shown = (await chat.say("/status")).text
        assert re.search(r"^CoinGlass: answered \d+ s ago$", shown, re.MULTILINE)
        fault(urls, "coinglass", "html_rest")
        async with asyncio.timeout(10):
            while "Asked in vain: CoinGlass" not in shown:  # it is asked three times before it is given up
                await chat.say("/oi sol")
                shown = (await chat.say("/status")).text
        assert re.search(r"^CoinGlass: answered \d+ s ago, CoinGlass did not answer$", shown, re.MULTILINE)


async def test_every_source_fails(urls, tmp_path):
    """When nobody answers, each card says so in time, without a single figure."""
    async with chatting(urls, tmp_path, plan="professional") as chat:
        await chat.say("/oi btc")
        fault(urls, "all", "stall_rest")
        for command in COMMANDS:
            entry = await chat.say(f"/{command} sol")
            sound(entry, "SOL")
            assert chat.asked < slowest_s() + 0.3, (command, chat.asked)
            assert "$0" not in entry.text
            assert (
                "did not answer" in entry.text or "has recorded nothing" in entry.text or "old:" in entry.text
            )


async def test_cached_answers_are_quick(chat):
    """What was asked a moment ago is answered from memory."""
    await chat.say("/oi btc")
    await chat.say("/oi btc")
    assert chat.asked < 0.15 * slowest_s()


async def test_our_own_tape_answers_without_a_key(urls, tmp_path):
    """What the alert bot recorded is shown with its beginning and its coverage."""
    now = time.time_ns() // 1_000_000
    minute = now - now % MINUTE_MS
    store = open_store(f"sqlite:///{tmp_path}/bot.db")
    minutes = tuple(
        FeedMinute(minute - i * MINUTE_MS, "okx", family, (now % MINUTE_MS, 30_000)[i] if i < 2 else 60_000)
        for i in range(90) for family in ("liquidations", "trades")
    )  # fmt: skip
    liquidations = (Bar(minute - 5 * MINUTE_MS, "BTC", "okx", LIQUIDATION, "long", 300_000_00, 3),
                    Bar(minute - 5 * MINUTE_MS, "BTC", "okx", LIQUIDATION, "short", 100_000_00, 1))  # fmt: skip
    events = (Event(minute - 5 * MINUTE_MS, "BTC", "okx", "BTC-USDT-SWAP", LIQUIDATION, "long", 250_000_00, 97_000.0),
              Event(minute - 4 * MINUTE_MS, "BTC", "okx", "BTC-USDT-SWAP", ORDER, "sell", 2_000_000_00, 97_000.0))  # fmt: skip
    tape.record(store, Batch(liquidations, events, minutes))
    store.close()
    async with chatting(urls, tmp_path) as chat:
        shown = (await chat.say("/liq btc")).text
        assert re.match(r"BTC: \$400K liquidated in (1h29m|1h30m), 75% of it longs", shown)
        assert re.search(r"In short: Longs were hit in (1h29m|1h30m): 75% of \$400K", shown)
        assert re.search(r"our own tape since \d\d:\d\d, coverage 99%", shown)
        assert "* since our record began" in shown
        assert "Largest: $250K long on OKX" in shown
        assert "BTC: 1 large trade for $2.00M" in (await chat.say("/whale btc")).text
        assert re.match(r"\$400K liquidated in (1h29m|1h30m)", (await chat.say("/liq")).text)
        assert (
            "24h"
            not in (await chat.say("/raw btc")).text.partition("Liquidated")[2].partition("Long/short")[0]
        )
        whole = await chat.say("/market")
        said = r"The market in 1h(29|30)m: at least \$400K liquidated, 75% of it longs; storms in 0/1 coins"
        assert re.match(said, whole.text)
        assert "Not known: storms now (the alert bot has recorded nothing yet)" in whole.text
        hour = await chat.press(whole, "1h")
        assert hour.message_id == whole.message_id
        assert hour.text.startswith("The market in 1h: at least $400K liquidated")


async def test_the_record_is_what_was_measured(urls, tmp_path, monkeypatch):
    """The alert bot's outcomes, as both commands show them."""
    store = open_store(f"sqlite:///{tmp_path}/bot.db")
    begun = [outcome(episode_ms=at, event_ms=at) for at in range(1, 41)]
    sent = [verdict(alert_id=f"a{at}", episode_ms=at, event_ms=at, decided_ms=at) for at in range(1, 42)]
    store.commit(commit(*(message(f"a{at}") for at in range(1, 42)), verdicts=sent, outcomes=begun))
    for each in open_outcomes(store, 99):
        move = 0.5 if each.event_ms <= 10 else -0.25
        settle(store, each.outcome_id, [Move(15, move, up=0.5, down=0.5)], settled=False)
    store.close()
    async with chatting(urls, tmp_path) as chat:
        alerts = (await chat.say("/alerts")).text.split("\n")
        assert [line for line in alerts if line.startswith("↳")][:2] == [
            "↳ not measured: older than outcomes are kept", "↳ -0.25% after 15 min",
        ]  # fmt: skip
        shown = (await chat.say("/record")).text
        assert shown.startswith("41 alerts sent, 40 outcomes measured")
        assert "More often right than chance, the whole interval above it: liquidation storm." in shown
        one = (await chat.say("/record liquidation storm")).text
        for line in (r"liquidation storm +n=40", r"· up 25% \[14–40\] +any 50%", r"· right 75% \[60–86\] +any 50%",
                     r"long, 15 min +n=40", r"· median +-0\.25%"):  # fmt: skip
            assert re.search(line, one), line
        assert "whale cluster" not in one
        assert "The figures are of the newest" not in shown + one
        monkeypatch.setattr(outcomes, "MOST_OF_A_KIND", 30)
        short = (await chat.say("/record")).text
        assert short.startswith("41 alerts sent, 40 outcomes measured")
        assert "The figures are of the newest 30 of a kind, as in the alerts." in short


async def test_pictures(urls, tmp_path):
    """Cards with a picture come as photos with the whole card as caption, once drawn re-sent by id, edited in place."""
    async with chatting(urls, tmp_path, charts=True, plan="professional") as chat:
        entry = await chat.say("/oi btc")
        async with asyncio.timeout(60):
            while entry.method.lower() != "sendphoto":  # the drawing process is still starting
                entry = await chat.say("/oi btc")
        assert entry.text.startswith("BTC: $")
        assert "In short" in entry.text
        edited = await chat.press(entry, "4h")
        assert edited.message_id == entry.message_id
        assert edited.method.lower() in {"editmessagemedia", "editmessagecaption"}
        drawing = await chat.say("/raw btc chart")
        assert drawing.text.startswith("BTC at $")


async def test_a_refused_text_is_mended(chat):
    """Text that Telegram cannot parse is sent again without its marks; a short flood wait is waited for."""
    chat.api.fault(Fault.bad_request("can't parse entities: x", method="sendMessage"))
    sound(await chat.say("/rsi btc"), "BTC")
    chat.api.fault(Fault.flood(1, method="sendMessage"))
    sound(await chat.say("/rsi btc"), "BTC")


async def test_telegram_s_flood_control_is_no_error_of_ours(chat):
    """A press that cannot be acknowledged is answered; where nothing may be sent for long, nothing is, to nobody."""
    entry = await chat.say("/rsi btc")
    chat.api.fault(Fault.flood(30, method="answerCallbackQuery"))
    again = await chat.press(entry, "/oi")
    sound(again, "BTC")
    before = len(chat.api.ledger.entries)
    chat.api.fault(Fault.flood(30, method="sendMessage"))
    chat.api.people.say(PEOPLE[0], "/rsi btc")
    sound(await chat.say("/rsi eth", who=PEOPLE[1]), "ETH")
    assert len(chat.api.ledger.entries) == before + 1


async def test_an_error_of_ours_reaches_the_admin(chat, monkeypatch):
    """The person gets one sentence with a reference; the admin the command and the same reference; nobody a traceback."""

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("bot.views.mood.rsi", broken)
    entry = await chat.say("/rsi btc")
    found = re.fullmatch(
        r"That went wrong on our side; the owner was told \(reference (\w{6})\)\.", entry.text
    )
    assert found is not None
    told = [entry for entry in chat.api.ledger.entries if entry.chat == OWNER]
    assert [entry.text for entry in told] == [f"TELEGLAS: /rsi failed: RuntimeError, reference {found[1]}"]


async def _crowd(chat) -> list[float]:
    """Let a hundred people ask at once; return how long each waited, in rising order."""
    before = len(chat.api.ledger.entries)
    begun = time.monotonic()
    for index, person in enumerate(PEOPLE):
        chat.api.people.say(person, f"/{COMMANDS[index % len(COMMANDS)]} {'btc' if index % 2 else 'eth'}")
    took: dict[int, float] = {}

    def answered(entries) -> bool:
        for entry in entries[before:]:
            took.setdefault(entry.chat, time.monotonic() - begun)
        return len(took) == len(PEOPLE)

    await chat.api.ledger.until(answered, timeout=60)
    for entry in chat.api.ledger.entries[before:]:
        sound(entry)
    return sorted(took.values())


async def test_a_hundred_people_at_once(chat):
    """Nobody's question is lost, and nearly all are answered in time, though all of Telegram runs in this process too."""
    assert (await _crowd(chat))[94] < 2 * slowest_s()


async def test_a_crowd_keeps_to_the_key_s_budget(urls, tmp_path):
    """A hundred people share one key of 80 requests a minute; none more is sent, and all are answered."""
    async with chatting(urls, tmp_path, plan="startup") as chat:
        before = requests_to(urls, "coinglass")
        await _crowd(chat)
        await _crowd(chat)
        assert 0 < requests_to(urls, "coinglass") - before <= 80
