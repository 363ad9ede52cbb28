"""What each kind of message says, and that no input can break its form."""

from __future__ import annotations

import html
import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teleglas.telegram.text import plain, utf16_length
from ws_alert.delivery.render import render, render_digest
from ws_alert.delivery.rendered import MAX_CAPTION, MAX_HTML
from ws_alert.messages import (
    Band,
    Coverage,
    Digest,
    DigestLine,
    EventRow,
    FoldedLine,
    Kind,
    LargeFacts,
    Pattern,
    StormFacts,
    Tier,
)


def first_line(message) -> str:
    """Return what a phone's notification shows."""
    return plain(message.html).split("\n")[0]


def test_first_lines_are_the_whole_news(samples):
    """Each kind's first line is one plain sentence with side, value and window or price and venue."""
    assert [first_line(render(alert)) for alert in samples.every_kind()] == [
        "BTC: at least $18.3M of longs liquidated in 30 s",
        "BTC: $1.25M long liquidated at 97,410.5 on Binance",
        "BTC: one order bought $2.10M at 97,410.5 on OKX",
        "BTC: large orders bought $8.10M and sold $1.20M in 30 s",
        "BTC: at least $18.3M of longs liquidated and $8.10M of large orders, mostly sells, in 30 s",
    ]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("storm", ["long", "$18.3M", "212 liquidations in 30 s", "Binance $9.10M", "OKX $6.24M", "Bybit $3.00M",
                   "97,525.5 → 96,810 (-0.73 %)", "intensity 8x", "9.1x the $2M threshold"]),
        ("large", ["long (forced sell)", "$1.25M", "97,410.5", "Binance BTCUSDT", "12:03:10 UTC", "2.5x the $500K threshold"]),
        ("whale", ["buy (taker)", "$2.10M", "97,410.5", "OKX BTC-USDT-SWAP", "12:03:10 UTC", "2.1x the $1M threshold"]),
        ("cluster", ["Bought $8.10M in 9 orders", "sold $1.20M in 2 orders", "Dominance 87 % buy", "in 30 s"]),
        ("radar", ["convergence", "score 0.86 of 1", "Radar extreme", "Pressure bearish (-82 %)", "volatility high", "1.20 % in 5 min",
                   "Summary: 212 liquidations of longs, 11 large orders; forced and voluntary flow push the same way"]),
    ],
)  # fmt: skip
def test_each_kind_shows_its_fields_within_five_lines(samples, kind, facts):
    """The fields that SPEC 5 wants of each kind stand above the quote, in at most five lines."""
    message = render(getattr(samples, kind)())
    head = message.html.split("<blockquote")[0].strip("\n")
    assert len(head.split("\n")) <= 5
    for fact in facts:
        assert fact in plain(head)


def test_details_say_why_and_how_sure(samples):
    """The quote has the largest events with venue, price kind and time, the rule, coverage, polling, latency."""
    quote = plain(
        re.search(r"<blockquote expandable>(.*)</blockquote>", render(samples.storm()).html, re.DOTALL)[1]
    )
    assert quote.split("\n") == [
        "Coverage of the window: OKX 62 % (polling); the rest was not seen",
        "Degraded: OKX polled, not streamed",
        "Largest:",
        "12:03:06 at least $5.20M long liquidated at 97,410.5, Binance BTCUSDT",
        "12:03:06 $3.10M long liquidated at 97,410.5 (bankruptcy price), OKX BTC-USDT-SWAP",
        "12:03:06 at least $1.25M long liquidated at 97,288, Binance BTCUSDT",
        "Rule: at least $2M and 2 liquidations in 30 s",
        "Would not have fired if more than $16.3M smaller, or with only 1 liquidation",
        "“At least”, because Binance publishes only a sample",
        "Latency: 84 ms from the venue, then 6 ms until this was released",
    ]


def test_footer_has_time_age_and_hashtags(samples):
    """The last lines tell when it happened, how late it is told, and what to search for."""
    lines = plain(render(samples.storm(), now_ms=samples.now_ms + 2_449).html).split("\n")
    assert lines[-2:] == ["2026-11-21 12:03:10 UTC · told 2.4 s after the event", "#BTC #liquidation_storm"]
    assert "told 90 ms after the event" in render(samples.storm()).html


def test_whole_feeds_are_not_called_a_lower_bound(samples):
    """`at least` appears only where a sampled feed contributes."""
    rows = tuple(msgspec.structs.replace(row, sampled=False) for row in samples.storm().top)
    message = render(samples.storm(sampled=False, top=rows))
    assert first_line(message) == "BTC: $18.3M of longs liquidated in 30 s"
    assert "t least $" not in message.html.replace("Rule: at least", "")
    sampled = msgspec.structs.replace(samples.row(), sampled=True)
    assert "at least $5.20M long" in first_line(render(samples.large(facts=LargeFacts(sampled))))
    assert "a venue in this sum publishes only a sample" in render(samples.storm(top=())).html


def test_coverage_is_told_below_95_percent_only(samples):
    """94.9 % is told and never rounded to 95; 95 % is silent."""
    assert "Binance 94 %" in render(samples.storm(coverage=(Coverage("binance", 0.949, "live"),))).html
    assert "Coverage" not in render(samples.storm(coverage=(Coverage("binance", 0.95, "live"),))).html


def test_venues_that_saw_the_same_share_are_named_together(samples):
    """Just after a start, when no venue has been seen for long, the line stays short."""
    thin = (Coverage("binance", 0.514, "live"), Coverage("bybit", 0.51, "live"), Coverage("okx", 0.4, "down"))
    text = render(samples.storm(coverage=thin)).html
    assert (
        "Coverage of the window: Binance, Bybit 51 % (live), OKX 40 % (down); the rest was not seen" in text
    )


def test_the_weaker_feed_of_a_venue_is_told(samples):
    """A radar stands on two feeds of a venue; the one that saw less is the honest number."""
    both = (Coverage("okx", 0.9, "live"), Coverage("okx", 0.5, "down"), Coverage("okx", 0.7, "live"))
    assert "Coverage of the window: OKX 50 % (down);" in render(samples.radar(coverage=both)).html


def test_a_burst_is_over_within_a_second(samples):
    """An episode of one instant does not read `after 0 s`."""
    message = render(samples.storm(final=True, total_usd=1, total_count=2, duration_ms=400, revision=1))
    assert "over within a second: total" in first_line(message)


def test_missing_numbers_are_said_with_the_reason(samples):
    """Nothing unknown is shown as 0 or N/A."""
    storm = render(samples.storm(facts=StormFacts(1, None, None), venues=())).html
    assert "Price move unknown: no price seen in the window" in storm
    assert "By venue: unknown" in storm
    radar = render(samples.radar(facts=samples.radar_facts(range_pct=None, volatility="unknown"))).html
    assert "volatility unknown: no price seen in 5 min" in radar
    broken = msgspec.structs.replace(samples.row(), price=0.0)
    assert "a price that the venue did not tell" in render(samples.large(facts=LargeFacts(broken))).html
    assert "N/A" not in storm + radar


def test_a_price_that_is_no_fill_is_named(samples):
    """A bankruptcy price is not passed off as what was paid."""
    row = msgspec.structs.replace(samples.row(), price_kind="bankruptcy")
    assert (
        "the venue tells the bankruptcy price, not the fill"
        in render(samples.large(facts=LargeFacts(row))).html
    )


@pytest.mark.parametrize(
    ("fields", "ending"),
    [
        ({"prior_usd": 9_000_000_00, "prior_ms": 1_795_262_530_000}, ", doubled since 12:02:10"),
        ({"prior_usd": 4_000_000_00, "prior_ms": 1_795_262_530_000}, ", 4.5x since 12:02:10"),
        ({"prior_usd": 18_000_000_00, "prior_ms": 1_795_262_530_000}, ", grown since 12:02:10"),
        ({}, ", grown since the last message"),
    ],
)  # fmt: skip
def test_growth_says_since_when(samples, fields, ending):
    """A reply tells what it grew from."""
    assert first_line(render(samples.storm(reply_to="ab", step=1, **fields))).endswith(ending)


def test_edits_say_that_it_goes_on(samples):
    """An edit opens with `still going` and tells when it was updated."""
    message = render(samples.storm(revision=2, told_usd=24_000_000_00), now_ms=samples.now_ms + 9_000)
    assert first_line(message) == "BTC: still going: at least $24.0M of longs liquidated in 30 s"
    assert "updated 12:03:19 UTC" in message.html


def test_the_final_edit_has_total_and_duration(samples):
    """The last edit of an episode sums it up for each kind."""
    ended = {
        "final": True,
        "revision": 9,
        "total_usd": 31_200_000_00,
        "total_count": 412,
        "duration_ms": 130_000,
    }
    assert [
        first_line(render(msgspec.structs.replace(alert, **ended))) for alert in samples.every_kind()
    ] == [
        "BTC: over after 2 min 10 s: total at least $31.2M of longs in 412 liquidations",
        "BTC: over after 2 min 10 s: total $31.2M of longs in 412 large liquidations",
        "BTC: over after 2 min 10 s: total $31.2M in 412 whale trades",
        "BTC: over after 2 min 10 s: total $31.2M in 412 large orders",
        "BTC: over after 2 min 10 s: total at least $31.2M in 412 events",
    ]
    assert (
        "Counted from 12:02:40 to 12:05:20 UTC · threshold $2M in 30 s" in render(samples.storm(**ended)).html
    )


def test_a_single_event_that_stayed_alone_keeps_its_words(samples):
    """One large liquidation is not summed up as a series."""
    message = render(samples.large(final=True, revision=1, total_count=1, total_usd=1_250_000_00))
    assert first_line(message) == "BTC: $1.25M long liquidated at 97,410.5 on Binance"
    assert "no other one followed" in message.html


def test_folded_findings_are_one_line(samples):
    """What was found at the same moment is told in the leading message, within the five lines."""
    head = render(samples.radar(folded=samples.folded())).html.split("<blockquote")[0].strip("\n").split("\n")
    assert len(head) == 5
    assert head[-1] == "Also: whale cluster (sell) $8.10M, 11 large orders in 30 s; whale trade (sell) $1.50M"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"pattern": Pattern.STORM_ONLY, "cluster_usd": 0, "cluster_count": 0}, "BTC: at least $18.3M of longs liquidated in 30 s"),
        ({"pattern": Pattern.CLUSTER_ONLY, "storm_usd": 0, "storm_count": 0}, "BTC: $8.10M of large orders, mostly sells, in 30 s"),
        ({"pattern": Pattern.STORM_AND_CLUSTER, "cluster_side": "buy", "band": Band.STRONG}, "mostly buys, in 30 s"),
    ],
)  # fmt: skip
def test_radar_patterns(samples, facts, words):
    """Each pattern's first line names only what is there, and opposite flows are called so."""
    message = render(samples.radar(facts=samples.radar_facts(**facts)))
    assert first_line(message).endswith(words)
    assert ("push against each other" in message.html) == (facts.get("cluster_side") == "buy")


def test_simulated_messages_begin_with_the_mark(samples):
    """What is simulated says so before anything else, also in a digest; real messages never do."""
    for alert in samples.every_kind():
        assert first_line(render(msgspec.structs.replace(alert, simulated=True))).startswith(
            "SIMULATED BTC: "
        )
        assert "SIMULATED" not in render(alert).html
    digest = msgspec.structs.replace(samples.digest(), simulated=True)
    assert first_line(render_digest(digest)).startswith("SIMULATED ")


def test_a_possible_repeat_is_labelled(samples):
    """A second attempt after an unknown outcome says so, in the text and in the caption."""
    label = "(may repeat: the last attempt was not confirmed)"
    message = render(samples.storm(), maybe_sent=True)
    assert plain(message.html).endswith(label)
    assert plain(message.caption).endswith(label)
    assert label not in render(samples.storm()).html
    assert plain(render_digest(samples.digest(), maybe_sent=True).html).endswith(label)


def test_pictures_and_sound_begin_at_watch(samples):
    """INFO is silent and without a picture; WATCH and URGENT ring and have one, if there is data for it."""
    calm, watch = render(samples.storm(tier=Tier.INFO)), render(samples.storm(tier=Tier.WATCH))
    assert (calm.picture, calm.silent) == (None, True)
    assert (watch.picture is not None, watch.silent) == (True, False)
    assert render(samples.storm(chart=None)).picture is None
    assert watch.with_photo(b"png").photo == b"png"


def test_a_clock_ahead_and_a_threshold_of_nothing_are_told(samples):
    """A venue's fast clock and a radar without a sum's threshold give words, not a minus or a division by zero."""
    assert "clock is ahead of ours" in render(samples.storm(received_ms=samples.now_ms - 5)).html
    assert "no USD threshold applied" in render(samples.storm(threshold_usd=0)).html
    assert "Would not have fired if any smaller" in render(samples.storm(told_usd=2_000_000_00)).html
    assert "Would not" not in render(samples.storm(told_usd=1_000_000_00)).html


def test_many_venues_are_summed_above_and_listed_below(samples):
    """Three venues stand in the head, all of them in the details."""
    venues = tuple((f"venue{index}", (20 - index) * 1_000_000_00) for index in range(6))
    text = plain(render(samples.storm(venues=venues)).html)
    assert "venue0 $20.0M · venue1 $19.0M · venue2 $18.0M · 3 more $48.0M" in text
    assert "venue5 $15.0M" in text


@pytest.mark.parametrize(
    ("why", "words"), [("budget", "hourly budget"), ("late", "too late"), ("other", "other")]
)
def test_digest_lists_newest_first(samples, why, words):
    """What was held back is told in one silent message with its reason, newest first."""
    message = render_digest(samples.digest(why=why), now_ms=samples.now_ms + 60_000)
    lines = plain(message.html).split("\n")
    assert lines[0] == "3 alerts in one message, 11:33:10 to 12:03:10 UTC"
    assert words in lines[1]
    assert lines[2] == "12:03:10 ETH liquidation storm (short) $2.50M"
    assert "told 1 min after the last one" in message.html
    assert message.silent
    assert message.picture is None


def test_a_long_digest_says_how_many_did_not_fit(samples):
    """Five hundred held-back alerts stay within one message, and none goes unsaid."""
    message = render_digest(samples.digest(500))
    missing = int(re.search(r"(\d+) more lines did not fit", message.html)[1])
    assert message.html.count("liquidation storm") + missing == 500
    assert utf16_length(message.html) <= MAX_HTML


NAMES = st.text(max_size=60) | st.sampled_from(
    ["<b>" * 30, "&" * 200, "\n\r\t", "𝔅" * 90, "#@a.com", '"' * 99]
)
CENTS = st.integers(0, 10**16)
PRICES = st.floats(allow_nan=True, allow_infinity=True) | st.floats(1e-12, 1e9)
TIMES = st.integers(1_500_000_000_000, 2_000_000_000_000)
ROWS = st.builds(
    EventRow, venue=NAMES, symbol=NAMES, side=st.sampled_from(["long", "short", "buy", "sell"]), usd=CENTS,
    price=PRICES, event_ms=TIMES, price_kind=st.sampled_from(["fill", "mark"]) | NAMES, sampled=st.booleans(),
)  # fmt: skip
FIELDS = st.fixed_dictionaries(
    {
        "asset": NAMES, "direction": NAMES, "tier": st.sampled_from(Tier), "event_ms": TIMES, "received_ms": TIMES,
        "release_ms": TIMES, "told_usd": CENTS, "told_count": st.integers(0, 10**6), "sampled": st.booleans(),
        "venues": st.lists(st.tuples(NAMES, CENTS), max_size=20).map(tuple), "top": st.lists(ROWS, max_size=5).map(tuple),
        "coverage": st.lists(st.builds(Coverage, NAMES, st.floats(0, 1), NAMES), max_size=20).map(tuple),
        "degraded": st.lists(NAMES, max_size=20).map(tuple),
        "folded": st.lists(st.builds(FoldedLine, st.sampled_from(Kind), NAMES, CENTS, st.just(3), st.just(0)), max_size=9).map(tuple),
        "revision": st.integers(0, 3), "final": st.booleans(), "total_usd": CENTS, "total_count": st.integers(0, 9),
        "reply_to": st.sampled_from(["", "ab"]), "prior_usd": CENTS, "prior_ms": TIMES, "simulated": st.booleans(),
        "threshold_usd": CENTS,
    }
)  # fmt: skip


def check_form(markup: str, limit: int) -> None:
    """Assert everything that Telegram would refuse or a phone would show badly."""
    assert utf16_length(markup) <= limit
    tags = re.findall(r"<[^>]*>", markup)
    assert set(tags) <= {"<b>", "</b>", "<i>", "</i>", "<blockquote expandable>", "</blockquote>"}
    assert len(tags) <= 8
    opened = [re.match(r"</?(\w+)", tag)[1] for tag in tags]
    assert opened[0::2] == opened[1::2]  # each closes at once: nothing is nested
    first = markup.split("\n", maxsplit=1)[0]
    assert first.startswith("<b>")
    assert first.endswith("</b>")
    assert re.search(r"&(?!lt;|gt;|amp;|quot;)", markup) is None
    assert html.unescape(first).strip()


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(fields=FIELDS, row=ROWS, which=st.integers(0, 4), maybe_sent=st.booleans())
def test_no_input_breaks_the_form(samples, fields, row, which, maybe_sent):
    """Whatever venues call their contracts, a message is sendable: short enough, tags balanced, all escaped."""
    alert = msgspec.structs.replace(samples.every_kind()[which], **fields)
    if alert.kind is Kind.LARGE_LIQUIDATION:
        alert = msgspec.structs.replace(alert, facts=LargeFacts(row))
    message = render(alert, maybe_sent=maybe_sent)
    check_form(message.html, MAX_HTML)
    check_form(message.caption, MAX_CAPTION)
    assert plain(message.html).startswith("SIMULATED ") or not alert.simulated
    assert "updated" in message.html or alert.revision == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.builds(DigestLine, st.sampled_from(Kind), NAMES, NAMES, TIMES, CENTS), max_size=80), NAMES)
def test_no_digest_breaks_the_form(lines, why):
    """A digest of anything is sendable too."""
    message = render_digest(Digest("d", "t", why, 1_500_000_000_000, 1_600_000_000_000, tuple(lines)))
    check_form(message.html, MAX_HTML)
    check_form(message.caption, MAX_CAPTION)


@pytest.mark.parametrize(
    ("asset", "tags"), [("1INCH", "#1INCH #"), ("1000", "#"), ("币安", "#"), ("A<b>C", "#AbC #")]
)
def test_hashtags_link(samples, asset, tags):
    """A hashtag has letters that Telegram links, or is left out."""
    assert plain(render(samples.storm(asset=asset)).html).split("\n")[-1] == f"{tags}liquidation_storm"


def test_rendering_is_a_function_of_its_arguments(samples):
    """The same alert at the same time gives the same message, so a repeat is recognisable."""
    for alert in samples.every_kind():
        assert render(alert, now_ms=samples.now_ms) == render(alert, now_ms=samples.now_ms)
