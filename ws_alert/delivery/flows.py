"""What taker flow says: order flow, large orders at a flat price, and volume spikes.

Plain text, one fact a line, as in `wording` and `evidence`. Sides are the takers'.
"""

from __future__ import annotations

from math import ceil

from teleglas import numbers
from ws_alert.delivery.phrases import Words, amount, by_venue, move, score
from ws_alert.messages import AccumulationFacts, Alert, FlowFacts, SpikeFacts

__all__ = ["details", "ended", "last", "lines", "news", "words"]


def news(alert: Alert, facts: FlowFacts | AccumulationFacts | SpikeFacts) -> str:
    """Return the first line, without the asset."""
    window = numbers.span(alert.window_ms)
    match facts:
        case FlowFacts():
            did = "accumulation" if alert.direction == "buy" else "distribution"
            return f"{did}: takers {_both(alert, facts)} in {window}, {_leaning(alert, facts)}"
        case AccumulationFacts():
            return f"{_large(alert, facts)} in {window} while the price stayed within {numbers.percent(facts.range_pct)}"
        case SpikeFacts():
            traded = f"{amount(facts.buy_usd + facts.sell_usd, sampled=alert.sampled)} traded by takers in {window}"
            if facts.median_usd <= 0:
                return f"{traded}, while its median minute is empty"
            return f"{traded}, {_multiple(facts)} its median minute"


def lines(alert: Alert, facts: FlowFacts | AccumulationFacts | SpikeFacts) -> list[str]:
    """Return the lines under it, two or three."""
    window = numbers.span(alert.window_ms)
    match facts:
        case FlowFacts():
            told = [_strength(alert, facts), move(facts.price_from, facts.price_to, window)]
        case AccumulationFacts():
            told = [_orders(alert, facts), _flatness(alert, facts)]
        case SpikeFacts():
            told = [
                _sides(alert, facts),
                _usual(facts),
                move(facts.price_from, facts.price_to, window),
            ]
    return [*told, by_venue(alert)] if alert.venues and len(told) < 3 else told


def last(alert: Alert, facts: FlowFacts | AccumulationFacts | SpikeFacts) -> str:
    """Return what was last told in a few words, for when it is over: it has a length, no total."""
    match facts:
        case FlowFacts():
            return f"takers' flow was {_leaning(alert, facts)} when last told"
        case AccumulationFacts():
            return f"{_large(alert, facts)} at a flat price when last told"
        case SpikeFacts():
            return f"{_traded(alert, facts)} when last told"


def ended(alert: Alert, facts: FlowFacts | AccumulationFacts | SpikeFacts) -> list[str]:
    """Return what the last edit repeats of the lines."""
    match facts:
        case FlowFacts():
            return [_strength(alert, facts)]
        case AccumulationFacts():
            return [_orders(alert, facts), _flatness(alert, facts)]
        case SpikeFacts():
            return [_sides(alert, facts), _usual(facts)]


def words(alert: Alert, facts: FlowFacts | AccumulationFacts | SpikeFacts) -> Words:
    """Return what the picture says."""
    window, sold = numbers.span(alert.window_ms), alert.direction == "sell"
    match facts:
        case FlowFacts():
            usd = facts.sell_usd if sold else facts.buy_usd
            told = (window, _leaning(alert, facts), score(alert))
            callout = f"{'sold' if sold else 'bought'} {amount(usd, sampled=alert.sampled)}"
            return Words("order flow", _joined(told), callout, up=not sold)
        case AccumulationFacts():
            told = (window, f"range {numbers.percent(facts.range_pct)}", _count(alert, facts.large_count))
            callout = f"large {'sells' if sold else 'buys'} {amount(facts.large_usd, sampled=alert.sampled)}"
            return Words("large orders, flat price", _joined(told), callout, up=not sold)
        case SpikeFacts():
            usual = (
                f"{_multiple(facts)} its median minute"
                if facts.median_usd > 0
                else "its median minute is empty"
            )
            callout = f"{amount(facts.buy_usd + facts.sell_usd, sampled=alert.sampled)} in {window}"
            return Words(
                "volume spike", _joined((window, usual)), callout, up=facts.buy_usd >= facts.sell_usd
            )


def _joined(told: tuple[str, ...]) -> str:
    return " · ".join(filter(None, told))


def _count(alert: Alert, count: int) -> str:
    return numbers.count(count, f"large {'sell' if alert.direction == 'sell' else 'buy'}")


def details(alert: Alert, facts: FlowFacts | AccumulationFacts | SpikeFacts) -> list[str]:
    """Return the rule that was satisfied, and what it would have needed not to be."""
    window, least = numbers.span(alert.window_ms), alert.threshold_count
    side = f"large {alert.direction}" if alert.direction in {"buy", "sell"} else "large order"
    match facts:
        case FlowFacts():
            if facts.ratio_limit is None or least <= 0:
                return []
            limit = numbers.percent(facts.ratio_limit * 100, 0)
            return [
                f"Rule: more than {limit} of the taker flow of {window} on one side, with at least {numbers.count(least, f'{side}')}",
                f"Would not have fired at {limit} or less, or with only {numbers.count(least - 1, f'{side}')}",
            ]
        case AccumulationFacts():
            if facts.range_limit is None or least <= 0:
                return []
            limit = numbers.percent(facts.range_limit)
            return [
                f"Rule: at least {numbers.count(least, f'{side}')} in {window} and a price range of at most {limit}",
                f"Would not have fired with only {numbers.count(least - 1, f'{side}')}, or with a range above {limit}",
            ]
        case SpikeFacts():
            return _spike_rule(alert, facts)


def _both(alert: Alert, facts: FlowFacts) -> str:
    bought, sold = (amount(cents, sampled=alert.sampled) for cents in (facts.buy_usd, facts.sell_usd))
    if alert.direction == "sell":
        return f"sold {sold} and bought {bought}"
    return f"bought {bought} and sold {sold}"


def _leaning(alert: Alert, facts: FlowFacts) -> str:
    sells = alert.direction == "sell"
    part = 1 - facts.ratio if sells else facts.ratio
    return f"{numbers.percent(part * 100, 0)} {'sells' if sells else 'buys'}"


def _strength(alert: Alert, facts: FlowFacts) -> str:
    large = f"{_count(alert, facts.large_count)}, {amount(facts.large_usd, sampled=alert.sampled)}"
    return _joined((f"Buy ratio {facts.ratio:.2f}", large, score(alert)))


def _large(alert: Alert, facts: AccumulationFacts) -> str:
    return f"{_count(alert, facts.large_count)}, {amount(facts.large_usd, sampled=alert.sampled)},"


def _orders(alert: Alert, facts: AccumulationFacts) -> str:
    side, other = ("sells", "buys") if alert.direction == "sell" else ("buys", "sells")
    told = [f"Large {side} {_in(facts.large_usd, facts.large_count)}"]
    told.append(
        f"large {other} {_in(facts.other_usd, facts.other_count)}"
        if facts.other_count
        else f"no large {other}"
    )
    return " · ".join(told)


def _in(cents: int, count: int) -> str:
    return f"{amount(cents, sampled=False)} in {numbers.count(count, 'order')}"


def _flatness(alert: Alert, facts: AccumulationFacts) -> str:
    told = f"Price range {numbers.percent(facts.range_pct)} in {numbers.span(alert.window_ms)}"
    if facts.range_limit is not None:
        told += f" (flat: at most {numbers.percent(facts.range_limit)})"
    return _joined((told, score(alert)))


def _sides(alert: Alert, facts: SpikeFacts) -> str:
    bought, sold = (amount(cents, sampled=alert.sampled) for cents in (facts.buy_usd, facts.sell_usd))
    both = facts.buy_usd + facts.sell_usd
    part = f" ({numbers.percent(facts.buy_usd / both * 100, 0)} buys)" if both > 0 else ""
    return f"Takers bought {bought} · sold {sold}{part}"


def _traded(alert: Alert, facts: SpikeFacts) -> str:
    both = amount(facts.buy_usd + facts.sell_usd, sampled=alert.sampled)
    return f"{both} traded by takers in {numbers.span(alert.window_ms)}"


def _multiple(facts: SpikeFacts) -> str:
    return numbers.times(facts.buy_usd + facts.sell_usd, facts.median_usd)


def _usual(facts: SpikeFacts) -> str:
    history = f"{facts.history_minutes:,} min of history"
    if facts.median_usd > 0:
        return f"Median minute of the last 24 h: {numbers.usd(facts.median_usd)} ({history})"
    floor = f" of {numbers.usd_short(facts.floor_usd)}" if facts.floor_usd > 0 else ""
    return f"Half of its minutes held no trade ({history}): the floor{floor} alone decided"


def _spike_rule(alert: Alert, facts: SpikeFacts) -> list[str]:
    if facts.multiple_limit is None or facts.floor_usd <= 0:
        return []
    window, floor = numbers.span(alert.window_ms), numbers.usd_short(facts.floor_usd)
    rule = f"Rule: at least {facts.multiple_limit:g}x its median minute and at least {floor} in {window}"
    needed = max(facts.floor_usd, ceil(facts.multiple_limit * facts.median_usd))
    spare = facts.buy_usd + facts.sell_usd - needed
    if alert.final or spare < 0:
        return [rule]
    smaller = f"more than {numbers.usd(spare)}" if spare else "any"
    return [rule, f"Would not have fired if {smaller} smaller"]
