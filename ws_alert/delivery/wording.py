"""What each kind of alert says: the first line, and the few lines under it.

Plain text, one sentence or fact a line; `render` escapes it. The first line is the whole
news, because it is what a phone's notification shows.
"""

from __future__ import annotations

from teleglas import numbers
from ws_alert.delivery import analysis
from ws_alert.delivery.analysis import UncountedFacts
from ws_alert.delivery.phrases import (
    NOUNS,
    amount,
    asset,
    by_venue,
    folded,
    move,
    name,
    normal,
    price_of,
    side_taken,
    supported,
    venue,
    versus,
)
from ws_alert.messages import (
    Alert,
    ClusterFacts,
    DivergenceFacts,
    EventRow,
    Facts,
    FundingFacts,
    Kind,
    LargeFacts,
    Pattern,
    RadarFacts,
    StopHuntFacts,
    StormFacts,
    WhaleFacts,
)

__all__ = ["body", "extras", "headline"]

_PATTERNS = {
    Pattern.STORM_ONLY: "storm only",
    Pattern.CLUSTER_ONLY: "cluster only",
    Pattern.STORM_AND_CLUSTER: "storm and cluster",
    Pattern.CONVERGENCE: "convergence (both at least twice their minimum)",
}
_SINGLES = (Kind.LARGE_LIQUIDATION, Kind.WHALE_TRADE)
_ONE_SIDED = (Kind.LARGE_LIQUIDATION, Kind.LIQUIDATION_STORM)


def headline(alert: Alert) -> str:
    """Return the first line: the news in one sentence."""
    if alert.final and not _stayed_alone(alert):
        sentence = _over(alert)
    else:
        sentence = _news(alert, alert.facts) + _growth(alert)
        if alert.revision and not alert.final and alert.kind not in _SINGLES:
            sentence = f"still going: {sentence}"
    mark = "SIMULATED " if alert.simulated else ""
    return f"{mark}{asset(alert)}: {sentence}"


def body(alert: Alert) -> list[str]:
    """Return the lines under the first one, at most four."""
    if alert.final and not _stayed_alone(alert):
        lines = _ended(alert)
    else:
        lines = _facts(alert, alert.facts)
        if alert.final:
            lines.append("Over: no other one followed")
    more = extras(alert)
    return [*(lines[:3] if more else lines), *more][:4]


def extras(alert: Alert) -> list[str]:
    """Return what else was found, what supports it, and its multiple of normal; the details take what has no room."""
    told = [folded(alert.folded)] if alert.folded else []
    if alert.final:
        return told
    if alert.supported_by:
        told.append(supported(alert.supported_by))
    usual = normal(alert)
    return [*told, usual] if usual else told


def _stayed_alone(alert: Alert) -> bool:
    return alert.kind in _SINGLES and alert.total_count <= 1


def _news(alert: Alert, facts: Facts) -> str:
    window = numbers.span(alert.window_ms)
    match facts:
        case LargeFacts(row):
            value = amount(row.usd, sampled=alert.sampled or row.sampled)
            return f"{value} {name(row.side)} liquidated at {price_of(row)} on {venue(row.venue)}"
        case WhaleFacts(row):
            value = amount(row.usd, sampled=alert.sampled or row.sampled)
            return f"one order {side_taken(row.side)} {value} at {price_of(row)} on {venue(row.venue)}"
        case StormFacts():
            value = amount(alert.told_usd, sampled=alert.sampled)
            return f"{value} of {name(alert.direction)}s liquidated in {window}"
        case ClusterFacts():
            return f"large orders {_bought_and_sold(alert, facts)} in {window}"
        case RadarFacts():
            return f"{_radar_news(alert, facts)} in {window}"
        case _:
            return analysis.news(alert, facts)


def _bought_and_sold(alert: Alert, facts: ClusterFacts) -> str:
    pairs = [("bought", facts.buy_usd), ("sold", facts.sell_usd)]
    if facts.sell_usd > facts.buy_usd:
        pairs.reverse()
    return " and ".join(
        f"{did} {amount(cents, sampled=alert.sampled)}" for did, cents in pairs if cents or did == pairs[0][0]
    )


def _radar_news(alert: Alert, facts: RadarFacts) -> str:
    storm = f"{amount(facts.storm_usd, sampled=alert.sampled)} of {name(facts.storm_side)}s liquidated"
    cluster = f"{numbers.usd(facts.cluster_usd)} of large orders, mostly {name(facts.cluster_side)}s,"
    match facts.pattern:
        case Pattern.STORM_ONLY:
            return storm
        case Pattern.CLUSTER_ONLY:
            return cluster
        case _:
            return f"{storm} and {cluster}"


def _growth(alert: Alert) -> str:
    if not alert.reply_to:
        return ""
    if isinstance(alert.facts, FundingFacts | DivergenceFacts):
        # Their USD are open interest: how much of that is concerned is not how extreme they are.
        return f", told before at {numbers.clock(alert.prior_ms)}" if alert.prior_ms else ", told before"
    if not alert.prior_ms or not alert.prior_usd:
        return ", grown since the last message"
    since = f"since {numbers.clock(alert.prior_ms)}"
    tenfold = alert.told_usd * 10 // alert.prior_usd
    if tenfold < 20:
        return f", grown {since}"
    return (
        f", doubled {since}"
        if tenfold < 25
        else f", {numbers.times(alert.told_usd, alert.prior_usd)} {since}"
    )


def _over(alert: Alert) -> str:
    if isinstance(alert.facts, UncountedFacts):
        seen = f"after {numbers.span(alert.duration_ms)}" if alert.duration_ms >= 1000 else "as soon as seen"
        return f"over {seen}: {analysis.last(alert, alert.facts)}"
    length = f"after {numbers.span(alert.duration_ms)}" if alert.duration_ms >= 1000 else "within a second"
    told = []
    if alert.total_usd > 0:
        of_what = f" of {name(alert.direction)}s" if alert.kind in _ONE_SIDED else ""
        told.append(f"total {amount(alert.total_usd, sampled=alert.sampled)}{of_what}")
    if alert.total_count > 0:
        told.append(numbers.count(alert.total_count, NOUNS[alert.kind]))
    return f"over {length}{': ' if told else ''}{' in '.join(told)}"


def _ended(alert: Alert) -> list[str]:
    if isinstance(alert.facts, UncountedFacts):
        began = f"Began {numbers.clock(alert.episode_ms)} UTC, lasted {numbers.span(alert.duration_ms)}; last told:"
        return [began, *analysis.ended(alert, alert.facts)]
    start = numbers.clock(alert.episode_ms - alert.window_ms)
    end = numbers.clock(alert.episode_ms + alert.duration_ms)
    line = f"Counted from {start} to {end} UTC"
    if alert.threshold_usd > 0:
        line += f" · threshold {numbers.usd_short(alert.threshold_usd)}{_per(alert)}"
    return [line, *_last_told(alert, alert.facts), by_venue(alert)]


def _last_told(alert: Alert, facts: Facts) -> list[str]:
    match facts:
        case StormFacts():
            return [f"Largest intensity {facts.intensity}x"]
        case ClusterFacts():
            return [f"Dominance {_share(facts.dominance)} {name(alert.direction)} when last told"]
        case RadarFacts():
            return [_radar_score(facts)]
        case StopHuntFacts():
            return analysis.ended(alert, facts)
        case _:
            return []


def _per(alert: Alert) -> str:
    return f" in {numbers.span(alert.window_ms)}" if alert.window_ms else " for one"


def _facts(alert: Alert, facts: Facts) -> list[str]:
    window = numbers.span(alert.window_ms)
    match facts:
        case LargeFacts(row):
            forced = "forced sell" if row.side == "long" else "forced buy"
            return [_one_row(row, forced), f"{versus(alert)} for one liquidation", _price_kind(row)]
        case WhaleFacts(row):
            return [_one_row(row, "taker"), f"{versus(alert)} for one order"]
        case StormFacts(intensity, first, last):
            counted = numbers.count(alert.told_count, "liquidation")
            return [
                f"{versus(alert)}, intensity {intensity}x · {counted} in {window}",
                by_venue(alert),
                move(first, last, window),
            ]
        case ClusterFacts():
            bought = _orders("Bought", facts.buy_usd, facts.buy_count)
            sold = _orders("sold", facts.sell_usd, facts.sell_count)
            return [
                f"{bought} · {sold}",
                f"Dominance {_share(facts.dominance)} {name(alert.direction)} · {versus(alert)} in {window}",
                by_venue(alert),
            ]
        case RadarFacts():
            return [_radar_score(facts), _radar_mood(facts), _radar_summary(facts), by_venue(alert)]
        case _:
            return analysis.lines(alert, facts)


def _orders(did: str, cents: int, count: int) -> str:
    return f"{did} {numbers.usd(cents)} in {numbers.count(count, 'order')}" if count else f"{did} nothing"


def _one_row(row: EventRow, forced: str) -> str:
    return f"Side {name(row.side)} ({forced}) · {venue(row.venue)} {name(row.symbol)} · {numbers.clock(row.event_ms)} UTC"


def _price_kind(row: EventRow) -> str:
    if row.price_kind == "fill":
        return "Price: average fill of the forced order"
    return f"Price: the venue tells the {name(row.price_kind)} price, not the fill"


def _share(part: float) -> str:
    return numbers.percent(part * 100, 0)


def _radar_score(facts: RadarFacts) -> str:
    return f"Radar {facts.band}, score {numbers.score(facts.score_v2)} of 1 · {_PATTERNS[facts.pattern]}"


def _radar_mood(facts: RadarFacts) -> str:
    pressure = (
        f"Pressure {name(facts.pressure)} ({numbers.percent(facts.pressure_ratio * 100, 0, signed=True)})"
    )
    if facts.range_pct is None:
        return f"{pressure} · volatility unknown: no price seen in 5 min"
    spread = numbers.percent(facts.range_pct)
    return f"{pressure} · volatility {name(facts.volatility)} (range {spread} in 5 min)"


def _radar_summary(facts: RadarFacts) -> str:
    counted = (
        f"{numbers.count(facts.storm_count, 'liquidation')} of {name(facts.storm_side)}s,"
        f" {numbers.count(facts.cluster_count, 'large order')}"
    )
    if facts.pattern in {Pattern.STORM_ONLY, Pattern.CLUSTER_ONLY}:
        return f"Summary: {counted}"
    together = (facts.storm_side == "long") == (facts.cluster_side == "sell")
    verb = "push the same way" if together else "push against each other"
    return f"Summary: {counted}; forced and voluntary flow {verb}"
