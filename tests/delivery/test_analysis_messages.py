"""What the analysis layer's kinds say, in both directions, and that no input can break their form."""

from __future__ import annotations

import re
from math import isfinite

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teleglas.charts.picture import AnyPicture, Picture, RowsPicture
from teleglas.telegram.text import plain, utf16_length
from tests.delivery.analysis_samples import AnalysisSamples
from ws_alert.delivery.render import render, render_digest
from ws_alert.delivery.rendered import MAX_CAPTION, MAX_HTML
from ws_alert.delivery.wording import body
from ws_alert.messages import (
    LEVELS,
    AccumulationFacts,
    Alert,
    CascadeFacts,
    Digest,
    DigestLine,
    DivergenceFacts,
    FlowFacts,
    FoldedLine,
    FundingFacts,
    FundingRate,
    Kind,
    Normal,
    ScorePart,
    SpikeFacts,
    StopHuntFacts,
    StormLine,
    Tier,
)

KINDS = ("cascade", "stop_hunt", "flow", "accumulation", "funding", "divergence", "spike")


@pytest.fixture(scope="module")
def made(samples) -> AnalysisSamples:
    """Return the maker of sample alerts."""
    return AnalysisSamples(samples)


def lines_of(alert: Alert) -> list[str]:
    """Return the head's lines: the first one and the body."""
    return plain(render(alert).html.split("<blockquote")[0].strip("\n")).split("\n")


def details_of(alert: Alert) -> list[str]:
    """Return the lines of the quote."""
    return plain(
        re.search(r"<blockquote expandable>(.*)</blockquote>", render(alert).html, re.DOTALL)[1]
    ).split("\n")


def changed(alert: Alert, **facts) -> Alert:
    """Return the alert with some of its facts replaced."""
    return msgspec.structs.replace(alert, facts=msgspec.structs.replace(alert.facts, **facts))


def test_first_lines_are_the_whole_news(made):
    """One sentence with figure, unit and window; a level that venues tell says of what it is a rate."""
    assert [lines_of(alert)[0] for alert in made.every_kind()] == [
        "MARKET: liquidation storms on 7 assets within 1 min: at least $26.9M liquidated, 95 % longs",
        "BTC: stop hunt of longs: at least $3.21M liquidated in 30 s, $450K of large buys against it",
        "BTC: accumulation: takers bought $34.2M and sold $14.0M in 5 min, 71 % buys",
        "BTC: 7 large buys, $2.40M, in 3 min while the price stayed within 0.08 %",
        "BTC: funding +0.1520 % per 8 h on Bybit, longs pay shorts",
        "BTC: open interest rose 2.10 % on Binance and fell 0.90 % on the sum of 3 others in 15 min",
        "BTC: $18.4M traded by takers in 1 min, 12.2x its median minute",
    ]


def test_first_lines_of_the_other_direction(made):
    """Shorts flushed are sold into, distribution sells, shorts pay a negative rate."""
    assert [
        lines_of(alert)[0]
        for alert in (
            changed(made.cascade(direction="short"), long_usd=0),
            made.stop_hunt(direction="short"),
            changed(made.flow(direction="sell"), ratio=0.2995, buy_usd=14_000_000_00, sell_usd=34_200_000_00),
            made.accumulation(direction="sell"),
            changed(
                made.funding(direction="short"), extreme_8h=-0.125, extreme_of="weighted", weighted_8h=-0.125
            ),
            changed(made.divergence(), others=("okx",)),
            changed(made.spike(), median_usd=0, multiple=None),
        )
    ] == [
        "MARKET: liquidation storms on 7 assets within 1 min: at least $26.9M liquidated, 100 % shorts",
        "BTC: stop hunt of shorts: at least $3.21M liquidated in 30 s, $450K of large sells against it",
        "BTC: distribution: takers sold $34.2M and bought $14.0M in 5 min, 70 % sells",
        "BTC: 7 large sells, $2.40M, in 3 min while the price stayed within 0.08 %",
        "BTC: funding -0.1250 % per 8 h, weighted by open interest over 3 contracts, shorts pay longs",
        "BTC: open interest rose 2.10 % on Binance and fell 0.90 % on OKX in 15 min",
        "BTC: $18.4M traded by takers in 1 min, while its median minute is empty",
    ]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("cascade", ["Longs liquidated: at least $25.7M · shorts: at least $1.25M", "7 of 41 active assets (17 %)",
                     "77 liquidations", "Storms, at least: BTC long $12.1M · ETH long $8.14M", "AVAX long $540K"]),
        ("stop_hunt", ["42 liquidations, 87 % longs", "1.6x the $2M threshold", "Zone 96,410 to 96,905.5", "last price 96,800",
                       "invalidation 96,265.4 (0.15 % below the zone)", "Absorption: 5 large buys, $450K, against the forced sells",
                       "score 99 of 99", "By venue, at least: Binance $2.01M · Bybit $1.20M"]),
        ("flow", ["Buy ratio 0.71", "5 large buys, $4.20M", "score 80 of 99", "97,010 → 97,420.5 (+0.42 %) in 5 min",
                  "Large buys by venue: Binance $3.10M · OKX $1.10M",
                  "Also within 60 s: whale cluster (buy) $8.10M, 11 large orders in 30 s"]),
        ("accumulation", ["Large buys $2.40M in 7 orders · large sells $120K in 1 order",
                          "Price range 0.08 % in 3 min (flat: at most 0.15 %)", "Large buys by venue: OKX $2.40M"]),
        ("funding", ["Weighted by open interest +0.0836 % per 8 h (3 of 4 contracts)", "threshold 0.1 %",
                     "Bybit +0.1520 % (paid every 8 h) · OKX +0.1010 % (paid every 4 h)", "1 more"]),
        ("divergence", ["Binance $4.10B → $4.19B (+2.10 %)", "Bybit, OKX, Gate together $6.10B → $6.05B (-0.90 %)",
                        "Compared 11:48:10 to 12:03:10 UTC"]),
        ("spike", ["Takers bought $10.2M · sold $8.20M (55 % buys)", "Median minute of the last 24 h: $1.50M (1,440 min of history)",
                   "97,010 → 97,420.5 (+0.42 %) in 1 min"]),
    ],
)  # fmt: skip
def test_each_kind_shows_its_fields_within_five_lines(made, kind, facts):
    """The fields that SPEC 5 wants of each kind stand above the quote, in at most five lines."""
    told = lines_of(getattr(made, kind)())
    assert len(told) <= 5
    for fact in facts:
        assert fact in "\n".join(told)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("cascade", ["12:02:20 BTC long at least $12.1M, 8 liquidations",
                     "Rule: storms that begin on at least 5 assets within 1 min", "Would not have fired with only 4 assets"]),
        ("stop_hunt", ["Score, not a probability: 50 base · +15 volume above $3M · +15 one side above 80 % · +25 absorption, capped at 99",
                       "Rule: more than $2M liquidated in 30 s, 60 % of it one side; then more than $100K of large orders against it",
                       "Would not have fired if $1.21M smaller, or without the absorption"]),
        ("flow", ["Score, not a probability: 50 base · +20 volume above $5M · +10 one side above 70 %",
                  "Rule: more than 65 % of the taker flow of 5 min on one side, with at least 3 large buys",
                  "Would not have fired at 65 % or less, or with only 2 large buys"]),
        ("accumulation", ["Rule: at least 3 large buys in 3 min and a price range of at most 0.15 %",
                          "Would not have fired with only 2 large buys, or with a range above 0.15 %"]),
        ("funding", ["OKX BTC-USDT-SWAP +0.1010 % per 8 h: +0.0505 % every 4 h, open interest $900M, 12:03:01 UTC",
                     "Hyperliquid BTC +0.0301 % per 8 h: +0.0038 % every 1 h, open interest not told, 12:03:07 UTC",
                     "Rule: at least 0.1 % per 8 h, of either sign, on one contract"]),
        ("divergence", ["Rule: up at least 1.5 % on one venue and down at least 0.5 % on the sum of the others",
                        "Would not have fired below 1.5 % on Binance, or with the others down less than 0.5 %"]),
        ("spike", ["Rule: at least 8x its median minute and at least $1M in 1 min", "Would not have fired if more than $6.40M smaller"]),
    ],
)  # fmt: skip
def test_details_say_why_it_fired_and_what_would_have_kept_it(made, kind, facts):
    """The quote has the parts of the score, the rule with its numbers, and each venue's or storm's figures."""
    told = details_of(getattr(made, kind)())
    for fact in facts:
        assert fact in told, told


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stop_hunt"])
def test_what_adds_nothing_up_ends_with_a_length_and_no_total(made, kind):
    """The last edit of a level, a cascade or a spike says how long it lasted and what was last told."""
    alert = getattr(made, kind)(final=True, revision=4, duration_ms=430_000, total_usd=0, total_count=0)
    first, began, *rest = lines_of(alert)
    assert re.search(r": over after 7 min 10 s: .+(when last told|liquidated)$", first)
    assert began == "Began 12:03:10 UTC, lasted 7 min 10 s; last told:"
    assert rest
    assert "total" not in first
    assert "Would not" not in render(alert).html or alert.kind in LEVELS | {Kind.MARKET_CASCADE}


def test_a_stop_hunt_ends_with_its_total(made):
    """Its liquidations are summed, of both sides, so that no side is named; zone and absorption are repeated."""
    ended = made.stop_hunt(
        final=True, revision=4, duration_ms=130_000, total_usd=4_129_000_00, total_count=55
    )
    told = lines_of(ended)
    assert told[0] == "BTC: over after 2 min 10 s: total at least $4.12M in 55 liquidations"
    assert told[1] == "Counted from 12:02:40 to 12:05:20 UTC · threshold $2M in 30 s"
    assert told[2].startswith("Zone 96,410 to 96,905.5")
    assert told[3].startswith("Absorption: 5 large buys")


def test_a_level_seen_once_has_no_length(made):
    """`after 0 s` is never said."""
    assert lines_of(made.funding(final=True, revision=1))[0].startswith(
        "BTC: over as soon as seen: funding was"
    )


def test_edits_say_that_it_goes_on_and_growth_since_when(made):
    """The words that every kind shares are there for the new ones too."""
    for alert in made.every_kind():
        going = lines_of(msgspec.structs.replace(alert, revision=1))[0]
        assert re.match(r"(BTC|MARKET): still going: ", going)
        grown = msgspec.structs.replace(
            alert, reply_to="ab", prior_usd=alert.told_usd // 4, prior_ms=made.now_ms - 60_000
        )
        interest = alert.kind in {Kind.FUNDING_EXTREME, Kind.OI_DIVERGENCE}
        ending = ", told before at 12:02:10" if interest else "x since 12:02:10"
        assert lines_of(grown)[0].endswith(ending)  # fmt: skip


def test_whole_feeds_are_not_called_a_lower_bound(made):
    """Without a sampled feed a stop hunt's sum is exact; a cascade's is a floor all the same, and says why."""
    hunt = made.stop_hunt(sampled=False, top=())
    assert "t least $" not in render(hunt).html
    cascade = made.cascade(sampled=False, top=())
    assert "at least $26.9M" in lines_of(cascade)[0]
    assert "Storms as they began, so all of it is a floor:" in details_of(cascade)


def test_as_many_storms_as_fit_and_the_rest_counted(made):
    """A market-wide cascade stays readable: the largest storms, then how many more; the details list twenty."""
    storms = tuple(
        StormLine(f"COIN{index}", "long", (90 - index) * 1_000_000_00, 3, made.now_ms) for index in range(60)
    )
    alert = changed(made.cascade(), storms=storms, assets=60, active=12)
    line = lines_of(alert)[3]
    assert line.startswith("Storms, at least: COIN0 long $90.0M · COIN1 long $89.0M")
    shown = line.count("COIN")
    assert line.endswith(f" · {60 - shown} more")
    assert len(line) < 190
    assert "and 40 smaller ones" in details_of(alert)
    assert lines_of(alert)[2] == "60 assets in storm · 77 liquidations"


def test_an_empty_median_says_that_the_floor_decided(made):
    """A coin whose usual minute is empty has no multiple, and none is made up."""
    alert = changed(made.spike(), median_usd=0, multiple=None, history_minutes=720)
    text = render(alert).html
    assert "(720 min of history): the floor of $1M alone decided" in lines_of(alert)[2]
    assert "median minute and" in text  # the rule still says what is wanted
    assert "x its median" not in lines_of(alert)[0]
    assert "Would not have fired if more than $17.4M smaller" in details_of(alert)


def test_what_venues_do_not_tell_is_said(made):
    """No mean without open interest, no zone without prices, no move without a price: words, not zeros."""
    funding = made.funding()
    bare = tuple(msgspec.structs.replace(each, oi_usd=None) for each in funding.facts.rates)
    text = render(changed(funding, rates=bare, weighted_8h=None)).html
    assert "Mean weighted by open interest unknown: not told by any venue" in text
    hunt = changed(made.stop_hunt(), zone_low=0.0, last_price=None)
    assert "Zone unknown" in render(hunt).html
    assert "last price unknown" in render(changed(made.stop_hunt(), last_price=None)).html
    assert "Price move unknown" in render(changed(made.spike(), price_from=None)).html
    assert "unknown → $4.19B" in render(changed(made.divergence(), venue_from=0)).html
    assert "Takers bought nothing · sold $8.20M (0 % buys)" in render(changed(made.spike(), buy_usd=0)).html


def test_a_rule_without_its_numbers_is_not_told(made):
    """Facts recorded before their limits were kept give no half sentence."""
    for alert, limits in (
        (made.flow(), {"ratio_limit": None}),
        (made.accumulation(), {"range_limit": None}),
        (made.funding(), {"limit_8h": None}),
        (made.divergence(), {"rise_limit": None, "fall_limit": None}),
        (made.spike(), {"multiple_limit": None}),
    ):
        told = "\n".join(details_of(changed(alert, **limits)))
        assert "Rule:" not in told
        assert "Would not" not in told
    hunt = details_of(changed(made.stop_hunt(), majority=None, absorption_limit=None))
    assert "Rule: more than $2M liquidated in 30 s; then large orders against it" in hunt


def test_normal_is_told_of_the_first_kinds_too(samples):
    """A storm's multiple of its asset's normal has the fourth line; with folded findings it moves into the details."""
    usual = Normal(5_900_000_00, 400)
    words = "3.1x its normal ($5.90M, q99.5 of the last 7 days)"
    for alert in samples.every_kind():
        told = msgspec.structs.replace(alert, told_usd=18_349_000_00, normal=usual)
        assert lines_of(told)[4:] == [words] or words in lines_of(told)
    both = samples.storm(normal=usual, folded=samples.folded())
    assert words in details_of(both)
    assert words not in lines_of(both)
    assert "normal" not in render(samples.storm(normal=Normal(0, 400))).html
    young = samples.storm(normal=Normal(5_900_000_00, 31))
    assert "3.1x its normal ($5.90M, q99.5 of the last 31 h)" in lines_of(young)


def test_a_normal_above_the_threshold_is_what_kept_it(samples):
    """Where both must be reached, the larger one is what a smaller sum would have missed."""
    told = details_of(samples.storm(normal=Normal(5_900_000_00, 400)))
    assert "Rule: at least $2M and 2 liquidations in 30 s, and at least its normal of $5.90M" in told
    assert "Would not have fired if more than $12.4M smaller, or with only 1 liquidation" in told
    low = details_of(samples.storm(normal=Normal(900_000_00, 400)))
    assert "Would not have fired if more than $16.3M smaller, or with only 1 liquidation" in low


def test_a_kind_without_a_side_names_none(made):
    """`neutral` says nothing, so a folded or held-back spike goes without; what USD of open interest are is said."""
    folded = (
        FoldedLine(Kind.VOLUME_SPIKE, "neutral", 18_400_000_00, 812, 60_000),
        FoldedLine(Kind.FUNDING_EXTREME, "long", 1_200_000_000_00, 4, 28_800_000),
    )
    assert (
        lines_of(made.stop_hunt(folded=folded))[-1]
        == "Also: volume spike $18.4M, 812 trades in 1 min; funding extreme (long) on $1.20B open interest, 4 venues"
    )
    rows = (
        DigestLine(Kind.OI_DIVERGENCE, "BTC", "neutral", made.now_ms, 86_100_000_00),
        DigestLine(Kind.FUNDING_EXTREME, "BTC", "long", made.now_ms, 0),
    )
    text = plain(render_digest(Digest("d", "t", "budget", made.now_ms, made.now_ms, rows)).html)
    assert "12:03:10 BTC oi divergence +$86.1M" in text
    assert "12:03:10 BTC funding extreme (long)\n" in text


def test_a_long_list_names_whole_findings_and_counts_the_rest(samples):
    """No amount is cut in its middle, where it would read as another one."""
    many = tuple(
        FoldedLine(Kind.WHALE_TRADE, "sell", (index + 1) * 12_345_678_00, 1, 0) for index in range(40)
    )
    last = lines_of(samples.storm(folded=many))[-1]
    told = re.findall(r"whale trade \(sell\) \$[\d.]+M", last)
    assert last == f"Also: {'; '.join(told)}; {40 - len(told)} more"
    assert len(told) > 5
    assert len(last) < 260


def test_nothing_sounds_like_advice(made):
    """Evidence and levels, never a call to act or a promise."""
    for alert in made.every_kind():
        assert not re.search(
            r"(?i)\b(buy now|sell now|guarantee\w*|safe|should|profit|entry)\b", render(alert).html
        )


def test_it_survives_the_outbox(made):
    """Each alert is stored as JSON and comes back whole, and says the same."""
    for alert in made.every_kind():
        again = msgspec.json.decode(msgspec.json.encode(alert), type=Alert)
        assert again == alert
        assert render(again) == render(alert)


# Names have no letters of which a number that is none could be read.
NAMES = st.text(st.characters(exclude_characters="$nNiI"), max_size=60) | st.sampled_from(
    ["<b>" * 30, "&" * 200, "\n\r\t", "𝔅" * 90, '"' * 99]
)
CENTS = st.integers(0, 10**16)
COUNTS = st.integers(0, 10**6)
PRICES = st.floats(allow_nan=True, allow_infinity=True) | st.floats(1e-12, 1e9)
TIMES = st.integers(1_500_000_000_000, 2_000_000_000_000)
SHARES = st.floats(0, 1)
PERCENTS = st.floats(-1e9, 1e9)
LIMITS = st.none() | st.floats(1e-9, 1e4)
SIDES = st.sampled_from(["long", "short", "buy", "sell", "neutral"]) | NAMES
FACTS = {
    "cascade": st.builds(
        CascadeFacts, st.lists(st.builds(StormLine, NAMES, SIDES, CENTS, COUNTS, TIMES), max_size=40).map(tuple),
        COUNTS, COUNTS, CENTS, CENTS,
    ),
    "stop_hunt": st.builds(
        StopHuntFacts, CENTS, SHARES, PRICES, PRICES, CENTS, COUNTS, st.none() | PRICES, PRICES, st.none() | SHARES,
        st.none() | CENTS,
    ),
    "flow": st.builds(FlowFacts, CENTS, CENTS, SHARES, CENTS, COUNTS, st.none() | PRICES, st.none() | PRICES, st.none() | SHARES),
    "accumulation": st.builds(AccumulationFacts, CENTS, COUNTS, CENTS, COUNTS, PERCENTS.map(abs), LIMITS),
    "funding": st.builds(
        FundingFacts,
        st.lists(st.builds(FundingRate, NAMES, NAMES, PERCENTS, st.floats(0.01, 99), TIMES, st.none() | CENTS), max_size=30).map(tuple),
        PERCENTS, NAMES | st.just("weighted"), st.none() | PERCENTS, LIMITS,
    ),
    "divergence": st.builds(
        DivergenceFacts, NAMES, CENTS, CENTS, PERCENTS, st.lists(NAMES, max_size=30).map(tuple), CENTS, CENTS, PERCENTS,
        TIMES, TIMES, LIMITS, LIMITS,
    ),
    "spike": st.builds(
        SpikeFacts, CENTS, CENTS, CENTS, st.none() | st.floats(0, 1e18), COUNTS, st.none() | PRICES, st.none() | PRICES, LIMITS,
        CENTS,
    ),
}  # fmt: skip
SHARED = st.fixed_dictionaries(
    {
        "asset": NAMES, "direction": SIDES, "tier": st.sampled_from(Tier), "event_ms": TIMES, "release_ms": TIMES,
        "told_usd": CENTS, "told_count": COUNTS, "sampled": st.booleans(), "window_ms": st.sampled_from([0, 30_000, 900_000]),
        "venues": st.lists(st.tuples(NAMES, CENTS), max_size=20).map(tuple), "threshold_usd": CENTS, "threshold_count": COUNTS,
        "folded": st.lists(st.builds(FoldedLine, st.sampled_from(Kind), SIDES, CENTS, COUNTS, st.just(0)), max_size=9).map(tuple),
        "supported_by": st.lists(st.builds(FoldedLine, st.sampled_from(Kind), SIDES, CENTS, COUNTS, st.just(3)), max_size=9).map(tuple),
        "score": st.none() | st.floats(0, 99), "normal": st.none() | st.builds(Normal, CENTS, COUNTS),
        "score_parts": st.lists(st.builds(ScorePart, st.just("base"), st.floats(-50, 50)), max_size=9).map(tuple),
        "revision": st.integers(0, 3), "final": st.booleans(), "total_usd": CENTS, "total_count": COUNTS,
        "duration_ms": st.integers(0, 10**10), "reply_to": st.sampled_from(["", "ab"]), "prior_usd": CENTS, "prior_ms": TIMES,
        "simulated": st.booleans(),
    }
)  # fmt: skip


def check_form(markup: str, limit: int) -> None:
    """Assert what Telegram would refuse or a reader could not trust."""
    assert utf16_length(markup) <= limit
    tags = re.findall(r"<[^>]*>", markup)
    assert set(tags) <= {"<b>", "</b>", "<blockquote expandable>", "</blockquote>"}
    opened = [re.match(r"</?(\w+)", tag)[1] for tag in tags]
    assert opened[0::2] == opened[1::2]
    assert re.search(r"&(?!lt;|gt;|amp;|quot;)", markup) is None
    check_words(plain(markup))


def check_words(words: str) -> None:
    """Assert that nothing unknown is written as a number, and no amount as zero."""
    assert re.search(r"\$-?0(?![.\d])", words) is None
    assert re.search(r"(?<!\w)(nan|None|inf)(?!\w)", words) is None


def check_picture(picture: AnyPicture | None) -> None:
    """Assert the same of what a picture says, and that its figures are finite."""
    if picture is None:
        return
    told = [picture.title, picture.subtitle, picture.sources, picture.footer]
    if isinstance(picture, RowsPicture):
        told += [f"{row.label} {row.note}" for row in picture.rows] + [words for _, words in picture.marks]
        assert all(
            isfinite(value)
            for value in [row.value for row in picture.rows] + [value for value, _ in picture.marks]
        )
    elif isinstance(picture, Picture):
        told.append(picture.callout)
        assert all(1e-15 < level.price < 1e15 for level in picture.levels)
    for words in told:
        check_words(words)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)  # fmt: skip
@given(data=st.data(), fields=SHARED)
def test_no_input_breaks_the_form(made, kind, data, fields):
    """Huge and tiny figures, no figures, any names: five lines, short enough, escaped, no invented zero."""
    alert = getattr(made, kind)(facts=data.draw(FACTS[kind]), **fields)
    message = render(alert)
    for markup, limit in ((message.html, MAX_HTML), (message.caption, MAX_CAPTION)):
        check_form(markup, limit)
    assert len(body(alert)) <= 4
    first = message.html.split("\n", maxsplit=1)[0]
    assert first.startswith("<b>")
    assert first.endswith("</b>")
    check_picture(message.picture)
