"""/heat: where liquidations lie (estimated) or happened (recorded), as a picture and in words."""

from __future__ import annotations

from bot.answers import HeatMap
from bot.replies import HeatReply
from bot.views import pictures
from bot.views.bands import binned
from bot.views.bands import levels as levels_of
from bot.views.card import Button, Card, Part
from bot.views.figures import percent, price, table, usd
from bot.views.origin import Context, Named, footer, missing_line, refresh
from bot.views.pieces import WINDOWS, at_price, headline, others, tldr, window_buttons
from teleglas.language import Html

__all__ = ["heat"]

_TOP = 5


def heat(reply: HeatReply, context: Context) -> Card:
    """Return the card of /heat."""
    say = context.words.say
    found = reply.heat.value
    # Made once: some ten thousand cells are work that everyone else waits for.
    bands = binned(found) if found else None
    levels = levels_of(bands, estimated=found.estimated) if found and bands else []
    named: list[Named] = [(say("heat map"), reply.heat), (say("price"), reply.price)]
    current = reply.price.value.price if reply.price.value else None
    if found is None:
        head = say("{coin}: no heat map", coin=reply.coin)
    elif levels:
        what = {"coin": reply.coin, "usd": usd(levels[0][1]), "price": price(levels[0][0]),
                "at": Html(at_price(reply.price, context))}  # fmt: skip
        head = (
            say("{coin}: the most liquidations wait near ${price} (estimated {usd}) {at}", **what)
            if found.estimated
            else say("{coin}: the most was liquidated near ${price} ({usd}) {at}", **what)
        )
    else:
        head = say("{coin}: nothing liquidated in {window}", coin=reply.coin, window=found.window)
    rows = [
        [price(at), usd(amount), "" if not current else percent((at / current - 1) * 100)]
        for at, amount in sorted(levels[:_TOP], reverse=True)
    ]
    parts = (
        Part(headline(head)),
        Part(table(rows, [say("price"), "USD", say("away")])),
        Part(missing_line(named, context)),
        Part(tldr(context, _sentence(found, levels, current, context))),
        Part(footer(context, reply.heat)),
    )
    again = refresh(f"heat {reply.coin} {reply.window}", context)
    buttons = (
        window_buttons(f"heat {reply.coin}", WINDOWS, reply.window),
        (again, *others(reply.coin, ("raw", "liq"))),
    )
    details = Button(say("Details"), f"+heat {reply.coin} {reply.window} text")
    return Card(
        parts, buttons, pictures.heat(reply, bands, context), details, f"heat {reply.coin} {reply.window}"
    )


def _sentence(
    found: HeatMap | None, levels: list[tuple[float, float]], current: float | None, context: Context
) -> str:
    say = context.words.say
    if found is None or not levels or not current:
        return ""
    above = sum(amount for at, amount in levels if at > current)
    below = sum(amount for at, amount in levels if at <= current)
    told = {"above": usd(above), "below": usd(below), "window": found.window}
    if found.estimated:
        return say(
            "Estimated from {window}: {above} would be liquidated above the price, {below} below it.", **told
        )
    return say("In {window} {above} was liquidated above the present price, {below} below it.", **told)
