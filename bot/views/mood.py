"""/sentiment and /rsi: the mood of the market and the strength of a move."""

from __future__ import annotations

from bot.replies import Rsi, Sentiment
from bot.views.card import Card, Part
from bot.views.figures import percent, table, usd
from bot.views.origin import Context, Named, footer, missing_line, refresh, sources
from bot.views.pieces import (
    at_price,
    change_24h,
    funding_word,
    headline,
    interest_word,
    main_funding,
    others,
    price_line,
    ratio_line,
    rsi_word,
    tldr,
)
from teleglas.language import Html
from teleglas.telegram.text import escape

__all__ = ["fear_word", "rsi", "sentiment"]

_CROWDED = 1.5
_FEAR = (25, 45, 55, 75)


def fear_word(value: float, context: Context) -> str:
    """Return the index's own word for a value."""
    words = context.words
    names = (words.say("extreme fear"), words.say("fear"), words.say("neutral"), words.say("greed"),
             words.say("extreme greed"))  # fmt: skip
    return names[sum(value > edge for edge in _FEAR)]


def sentiment(reply: Sentiment, context: Context) -> Card:
    """Return the card of /sentiment."""
    say = context.words.say
    named: list[Named] = [
        (say("fear and greed"), reply.fear_greed), (say("price"), reply.price), (say("funding"), reply.funding),
        (say("open interest"), reply.open_interest), (say("ratios"), reply.ratios), ("RSI", reply.rsi),
    ]  # fmt: skip
    parts = (
        Part(headline(_headline(reply, context))),
        Part(_trend(reply, context)),
        Part(_figures(reply, context)),
        Part(missing_line(named, context)),
        Part(_summary(reply, context)),
        Part(sources(named, context), 1),
        Part(footer(context)),
    )
    buttons = ((refresh(f"sentiment {reply.coin}", context),), others(reply.coin, ("raw", "funding", "oi")))
    return Card(parts, buttons)


def _headline(reply: Sentiment, context: Context) -> str:
    say = context.words.say
    mood = reply.fear_greed.value
    coin = (
        say("{coin} {at}", coin=reply.coin, at=Html(at_price(reply.price, context)))
        if reply.price.value
        else Html(escape(reply.coin))
    )
    if mood is None:
        return say("{coin}: the mood", coin=coin)
    return say("Fear and greed {value}: {word}; {coin}", value=f"{mood.value:.0f}", word=Html(fear_word(mood.value, context)),
               coin=coin)  # fmt: skip


def _trend(reply: Sentiment, context: Context) -> str:
    mood = reply.fear_greed.value
    if mood is None or len(mood.history) < 2:
        return ""
    say = context.words.say
    days = [(say("yesterday"), 2), (say("a week ago"), 8), (say("a month ago"), 31)]
    told = [f"{name} {mood.history[-back]:.0f}" for name, back in days if len(mood.history) >= back]
    return say("Fear and greed: {told}", told=Html(", ".join(told)))


def _figures(reply: Sentiment, context: Context) -> str:
    say = context.words.say
    lines: list[str] = []
    rate = main_funding(reply.funding)
    if rate is not None:
        lines.append(say("Funding: {rate} per 8 h", rate=percent(rate, 4)))
    interest = reply.open_interest.value
    if interest is not None:
        change = interest.change_percent.get("24h")
        told = usd(interest.total_usd) + ("" if change is None else f" ({percent(change)} 24h)")
        lines.append(say("Open interest: {usd}", usd=told))
    lines.append(ratio_line(reply.ratios, context))
    if reply.rsi.value:
        lines.append(
            "RSI 14: " + " · ".join(f"{frame} {value:.0f}" for frame, value in reply.rsi.value.items())
        )
    return "\n".join(line for line in lines if line)


def _summary(reply: Sentiment, context: Context) -> str:
    say = context.words.say
    crowd = ""
    accounts = reply.ratios.value.global_account if reply.ratios.value else None
    if accounts is not None and accounts >= _CROWDED:
        crowd = say("Most accounts are long.")
    elif accounts is not None and accounts <= 1 / _CROWDED:
        crowd = say("Most accounts are short.")
    return tldr(
        context,
        interest_word(reply.open_interest, context, change_24h(reply.price)),
        funding_word(main_funding(reply.funding), context),
        crowd,
    )


def rsi(reply: Rsi, context: Context) -> Card:
    """Return the card of /rsi."""
    say = context.words.say
    values = reply.rsi.value or {}
    named: list[Named] = [("RSI", reply.rsi), (say("price"), reply.price)]
    if values:
        frame, value = max(values.items(), key=lambda item: abs(item[1] - 50))
        head = say("{coin}: RSI {value} on {frame}, {word}", coin=reply.coin, value=f"{value:.0f}", frame=frame,
                   word=Html(rsi_word(value, context)))  # fmt: skip
    else:
        head = say("{coin}: RSI is not known", coin=reply.coin)
    rows = [[frame, f"{value:.1f}", rsi_word(value, context)] for frame, value in values.items()]
    words = {rsi_word(value, context) for value in values.values()}
    agree = ""
    if len(values) > 1:
        agree = say("All frames agree.") if len(words) == 1 else say("The frames do not agree.")
    parts = (
        Part(headline(head)),
        Part(table(rows, ["", "RSI 14", ""]) if rows else ""),
        Part(price_line(reply.price, context)),
        Part(missing_line(named, context)),
        Part(tldr(context, say("Above 70 is called overbought, below 30 oversold."), agree)),
        Part(footer(context, reply.rsi)),
    )
    return Card(parts, ((refresh(f"rsi {reply.coin}", context), *others(reply.coin, ("raw", "oi"))),))
