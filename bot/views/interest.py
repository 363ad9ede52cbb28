"""/oi and /funding: how much is open, and who pays to keep it open."""

from __future__ import annotations

from bot.answers import VenueFunding
from bot.replies import FundingReply, InterestReply
from bot.views import pictures
from bot.views.card import Button, Card, Part
from bot.views.figures import funding, percent, share, table, usd
from bot.views.origin import Context, Named, footer, missing_line, refresh, sources
from bot.views.pieces import (
    at_price,
    change_24h,
    funding_word,
    headline,
    interest_word,
    main_funding,
    others,
    tldr,
    window_buttons,
)
from teleglas.language import Html
from teleglas.telegram.text import escape

__all__ = ["funding_card", "open_interest"]

_VENUES = 8
_FRAMES = ("4h", "24h", "7d")
_CHANGES = ("5m", "15m", "1h", "4h", "24h")


def open_interest(reply: InterestReply, context: Context) -> Card:
    """Return the card of /oi."""
    say = context.words.say
    found = reply.open_interest.value
    named: list[Named] = [
        (say("open interest"), reply.open_interest),
        (say("price"), reply.price),
        (say("chart"), reply.history),
    ]
    if found is None:
        head = say("{coin}: open interest is not known", coin=reply.coin)
        venues = changes = ""
    else:
        at = Html(at_price(reply.price, context))
        head = say("{coin}: {usd} open interest {at}", coin=reply.coin, usd=usd(found.total_usd), at=at)
        rows = [[row.venue, usd(row.usd), share(row.usd, found.total_usd - row.usd),
                 "" if row.change_percent is None else percent(row.change_percent)]
                for row in found.by_venue[:_VENUES]]  # fmt: skip
        kept = 4 if any(row[3] for row in rows) else 3
        venues = table([row[:kept] for row in rows], ["", "OI", "%", "24h"][:kept])
        moves = [
            [window, percent(found.change_percent[window])]
            for window in _CHANGES
            if window in found.change_percent
        ]
        changes = table(moves) if moves else ""
    parts = (
        Part(headline(head)),
        Part(changes),
        Part(venues, 1),
        Part(missing_line(named, context)),
        Part(tldr(context, interest_word(reply.open_interest, context, change_24h(reply.price)))),
        Part(sources(named, context), 2),
        Part(footer(context, reply.open_interest)),
    )
    again = refresh(f"oi {reply.coin} {reply.window}", context)
    buttons = (
        window_buttons(f"oi {reply.coin}", _FRAMES, reply.window),
        (again, *others(reply.coin, ("raw", "funding"))),
    )
    details = Button(say("Details"), f"+oi {reply.coin} {reply.window} text")
    return Card(
        parts, buttons, pictures.open_interest(reply, context), details, f"oi {reply.coin} {reply.window}"
    )


def funding_card(reply: FundingReply, context: Context) -> Card:
    """Return the card of /funding."""
    say = context.words.say
    rate = main_funding(reply.funding)
    named: list[Named] = [(say("funding"), reply.funding), (say("chart"), reply.history)]
    found = reply.funding.value
    rows = [_rate(row, context) for row in (found.by_venue[:_VENUES] if found else ())]
    if rate is not None:
        head = say("{coin}: funding {rate} per 8 h", coin=reply.coin, rate=funding(rate))
    elif found is not None and found.by_venue:
        first = found.by_venue[0]
        head = say(
            "{coin}: funding {rate} on {venue}",
            coin=reply.coin,
            rate=funding(first.percent),
            venue=first.venue,
        )
    else:
        head = say("{coin}: funding is not known", coin=reply.coin)
    coming = [
        row.next_ms
        for row in (found.by_venue if found else ())
        if row.next_ms and row.next_ms > context.now_ms
    ]
    settle = ""
    if coming:
        settle = say("Next settlement at {time}, in {age}", time=context.time(min(coming)),
                     age=context.age(min(coming) - context.now_ms))  # fmt: skip
    yearly = (
        "" if rate is None else say("Held for a year that would be {rate}.", rate=percent(rate * 3 * 365, 1))
    )
    parts = (
        Part(headline(head)),
        Part(table(rows, ["", say("rate"), say("per"), say("next")])),
        Part(settle),
        Part(missing_line(named, context)),
        Part(tldr(context, funding_word(rate, context), escape(yearly))),
        Part(sources(named, context), 2),
        Part(footer(context, reply.funding)),
    )
    buttons = ((refresh(f"funding {reply.coin}", context), *others(reply.coin, ("raw", "oi"))),)
    details = Button(say("Details"), f"+funding {reply.coin} text")
    return Card(parts, buttons, pictures.funding(reply, context), details, f"funding {reply.coin}")


def _rate(row: VenueFunding, context: Context) -> list[str]:
    every = "" if row.interval_h is None else f"{row.interval_h:g}h"
    return [row.venue, funding(row.percent), every, context.short_time(row.next_ms) if row.next_ms else ""]
