"""What the bot says about itself and to those it cannot answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from bot.views.card import Button, Card, note
from bot.views.figures import clock, zone_name
from bot.views.origin import Context
from teleglas.language import LANGUAGES

__all__ = ["ZONES", "about", "ask_coin", "coin_menu", "denied", "did_you_mean", "failed", "language_chosen",
           "languages", "slow_down", "type_anew", "unknown_coin", "unknown_venue", "unknown_zone", "welcome",
           "zone_chosen", "zones"]  # fmt: skip

ZONES = (
    "UTC",
    "Asia/Jakarta",
    "Asia/Singapore",
    "Asia/Shanghai",
    "Europe/Moscow",
    "Europe/Berlin",
    "America/New_York",
)
"""Offered as buttons; every name of the IANA database may be typed."""

_COMMANDS_OF_A_COIN = ("raw", "liq", "whale", "orderbook", "oi", "funding", "rsi", "heat")


def welcome(context: Context) -> Card:
    """Greet, with buttons that work at once."""
    say = context.words.say
    head = say("TELEGLAS answers what a derivatives trader asks: type /raw BTC, or press a button.")
    body = say("Prices, open interest, funding, liquidations, whales and order books, each with its source and age. "
               "Coins in any spelling: btc, BTCUSDT, 1000pepe. All commands: /help")  # fmt: skip
    rows = (
        (Button("/raw BTC", "+raw BTC"), Button("/liq", "+liq *"), Button("/sentiment", "+sentiment BTC")),
        (Button("/whale", "+whale *"), Button("/heat BTC", "+heat BTC"), Button("/help", "+help")),
    )
    return note(f"<b>{head}</b>\n\n{body}", *rows)


def about(version: str, name: str, context: Context) -> Card:
    """Say what this is, which bot is the real one, and what it does not do."""
    say = context.words.say
    real = say(
        "This is @{name}, version {version}. A bot of another name is not this one.",
        name=name,
        version=version,
    )
    what = say("Figures come from CoinGlass, from the public interfaces of Binance, Bybit, OKX and Hyperliquid, and from "
               "what our alert bot recorded itself. Liquidation feeds are sampled by the exchanges, so their sums are "
               "lower bounds. Nothing here is advice.")  # fmt: skip
    return note(f"<b>TELEGLAS</b>\n{real}\n\n{what}")


def ask_coin(command: str, coins: Sequence[str], context: Context) -> Card:
    """Ask for the coin that a command needs."""
    say = context.words.say
    head = say(
        "Which coin? For example /{command} {coin}", command=command, coin=coins[0] if coins else "BTC"
    )
    return note(head, *_rows([Button(coin, f"{command} {coin}") for coin in coins]))


def unknown_coin(text: str, command: str, near: Sequence[str], context: Context, rest: str = "") -> Card:
    """Say that no such coin is listed, and offer those that are spelled alike."""
    say = context.words.say
    if not near:
        return note(say("No exchange lists a coin named {text}.", text=text))
    head = say("No exchange lists a coin named {text}. Did you mean:", text=text)
    return note(head, *_rows([Button(coin, f"{command} {coin}{rest}") for coin in near]))


def unknown_venue(text: str, coin: str, venues: Sequence[str], context: Context) -> Card:
    """Say that no such exchange can be asked, and offer those that can."""
    head = context.words.say("{text} is not an exchange that I can ask. These are:", text=text)
    return note(head, *_rows([Button(venue, f"orderbook {coin} {venue}") for venue in venues]))


def coin_menu(coin: str, context: Context) -> Card:
    """Offer what can be asked about a coin that was named alone."""
    head = context.words.say("What about {coin}?", coin=coin)
    return note(head, *_rows([Button(f"/{name}", f"+{name} {coin}") for name in _COMMANDS_OF_A_COIN], 4))


def did_you_mean(name: str, near: Sequence[str], context: Context) -> Card:
    """Say that there is no such command, and offer those that are spelled alike."""
    say = context.words.say
    if not near:
        return note(say("There is no command /{name}. All commands: /help", name=name))
    head = say("There is no command /{name}. Did you mean:", name=name)
    return note(head, *_rows([Button(f"/{command}", f"+{command}") for command in near]))


def denied(user_id: int | None, context: Context) -> Card:
    """Refuse a person who is not on the list."""
    say = context.words.say
    if user_id is None:
        return note(say("This bot answers only the people on its list."))
    return note(
        say(
            "This bot answers only the people on its list. Give its owner your id: <code>{id}</code>",
            id=user_id,
        )
    )


def slow_down(wait_s: int, context: Context) -> Card:
    """Refuse a person who asks too fast."""
    return note(context.words.count("Slow down, please: ask again in {n} second.",
                                    "Slow down, please: ask again in {n} seconds.", wait_s))  # fmt: skip


def type_anew(context: Context) -> Card:
    """Ask for the command instead of a button that can no longer be pressed."""
    return note(context.words.say("This button is too old; please type the command."))


def failed(reference: str, context: Context) -> Card:
    """Own up to an error of ours."""
    return note(
        context.words.say("That went wrong on our side; the owner was told (reference {id}).", id=reference)
    )


def languages(context: Context) -> Card:
    """Offer the languages."""
    return note(context.words.say("Which language?"),
                *_rows([Button(name, f"lang {code}") for code, name in LANGUAGES.items()], 2))  # fmt: skip


def language_chosen(context: Context) -> Card:
    """Confirm in the language that was chosen."""
    name = LANGUAGES[context.words.language]
    return note(context.words.say("From now on I answer in {language}.", language=name))


def zones(context: Context) -> Card:
    """Offer time zones."""
    head = context.words.say("Times are in {zone}. Another one? Type for example /tz Asia/Jakarta",
                             zone=zone_name(context.zone, context.now_ms))  # fmt: skip
    return note(head, *_rows([Button(zone, f"tz {zone}") for zone in ZONES], 2))


def zone_chosen(name: str, zone: tzinfo, context: Context) -> Card:
    """Confirm with the time that it is there."""
    return note(context.words.say("Times are in {zone} from now on; it is {time} there.", zone=name,
                                  time=clock(context.now_ms, zone)))  # fmt: skip


def unknown_zone(text: str, near: Sequence[str], context: Context) -> Card:
    """Say that there is no such time zone."""
    head = context.words.say(
        "There is no time zone named {text}. Names are like Asia/Jakarta or Europe/Berlin.", text=text
    )
    return note(head, *_rows([Button(zone, f"tz {zone}") for zone in near], 2))


def _rows(buttons: Sequence[Button], width: int = 3) -> list[Sequence[Button]]:
    return [buttons[at : at + width] for at in range(0, len(buttons), width)]
