"""Liquidations from growing totals: never negative, never an hour at once."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.venues.coinglass.delta import MAX_GAP_MS, ExchangeListDelta
from tests.venues.tape import Tape

T = 1_790_000_000_000


def body(**venues) -> bytes:
    """Return totals by exchange as (long, short) USD."""
    rows = [
        {
            "exchange": name,
            "liquidation_usd": long + short,
            "long_liquidation_usd": long,
            "short_liquidation_usd": short,
        }
        for name, (long, short) in venues.items()
    ]
    return json.dumps({"code": "0", "msg": "success", "data": rows}).encode()


def growth(*bodies, coin="BTC") -> Tape:
    """Return what the last body adds after the ones before it, ten seconds apart."""
    delta = ExchangeListDelta()
    tape = Tape()
    for number, payload in enumerate(bodies):
        tape = Tape()
        delta.take(payload, coin, T + 10_000 * number, tape)
    return tape


def test_growth_per_venue_and_side():
    """What a venue's long and short totals grew by is a liquidation each; `All` is their sum and is left out."""
    before = body(All=(300, 50), Bybit=(100.10, 50), OKX=(200, 0))
    after = body(All=(700, 70), Bybit=(100.35, 70), OKX=(600, 0))
    tape = growth(before, after)
    assert [(row.instrument.venue, row.side.value, row.usd_cents) for row in tape.liquidations] == [
        ("bybit", "long", 25),
        ("bybit", "short", 2000),
        ("okx", "long", 40_000),
    ]
    row = tape.liquidations[0]
    assert (row.price, row.event_ms, row.completeness, row.occurrence) == (0.0, T + 10_000, "sampled", 0)
    assert row.event_id == f"delta:bybit:BTC:long:{T + 10_000}"
    assert (row.instrument.symbol, row.instrument.asset) == ("BTC", "BTC")


def test_first_body_and_first_row_are_only_remembered():
    """A total that was never seen before is an hour's history, not an event."""
    assert growth(body(OKX=(500, 500))).empty
    assert growth(body(OKX=(1, 1)), body(OKX=(1, 1), Bybit=(900, 900))).empty


def test_shrinking_total_is_never_negative():
    """The hour rolls: a smaller total is remembered and the next growth counts from it."""
    assert growth(body(OKX=(500, 0)), body(OKX=(200, 0))).empty
    assert (
        growth(body(OKX=(500, 0)), body(OKX=(200, 0)), body(OKX=(250, 0))).liquidations[0].usd_cents == 5000
    )


def test_absent_row_is_not_zero():
    """A venue missing from one body does not come back with its whole hour."""
    assert growth(body(OKX=(500, 0)), body(), body(OKX=(510, 0))).liquidations[0].usd_cents == 1000


@pytest.mark.parametrize("step", [MAX_GAP_MS + 1, -1])
def test_gap_is_a_new_beginning(step):
    """After a gap the growth has no time of its own: it would look like a storm now."""
    delta, tape = ExchangeListDelta(), Tape()
    delta.take(body(OKX=(500, 0)), "BTC", T, tape)
    delta.take(body(OKX=(900, 0)), "BTC", T + step, tape)
    assert tape.empty
    delta.take(body(OKX=(901, 0)), "BTC", T + step + 10_000, tape)
    assert tape.liquidations[0].usd_cents == 100


def test_coins_are_apart_and_instruments_are_kept():
    """Each coin has its own totals; a contract is one object for the session."""
    delta, tape = ExchangeListDelta(), Tape()
    for number in range(3):
        for coin in ("BTC", "ETH"):
            delta.take(body(OKX=(100 * number, 0)), coin, T + number, tape)
    btc = [row for row in tape.liquidations if row.instrument.asset == "BTC"]
    assert (len(tape.liquidations), len(btc)) == (4, 2)
    assert btc[0].instrument is btc[1].instrument


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"<html>", "malformed"),
        ({"code": "401", "msg": "Upgrade plan"}, "unknown_message"),
        ({"code": "0", "msg": "success"}, "unknown_message"),
        ({"data": [{"exchange": "OKX"}]}, "malformed"),
        ({"data": [{"exchange": "", "long_liquidation_usd": 1, "short_liquidation_usd": 1}]}, "malformed"),
        (
            {"data": [{"exchange": "OKX", "long_liquidation_usd": -1, "short_liquidation_usd": 1}]},
            "bad_number",
        ),
        (
            {"data": [{"exchange": "OKX", "long_liquidation_usd": "x", "short_liquidation_usd": 1}]},
            "bad_number",
        ),
        (
            {"data": [{"exchange": "OKX", "long_liquidation_usd": 1, "short_liquidation_usd": "NaN"}]},
            "bad_number",
        ),
        (
            {"data": [{"exchange": "OKX", "long_liquidation_usd": 1e13, "short_liquidation_usd": 1}]},
            "absurd_amount",
        ),
        (
            {"data": [{"exchange": "OKX", "long_liquidation_usd": None, "short_liquidation_usd": 1}]},
            "bad_type",
        ),
    ],
)
def test_other_bodies_are_refused_by_name(payload, reason):
    """Errors inside HTTP 200 and absurd totals are counted, not raised and not remembered."""
    tape = growth(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    assert (tape.liquidations, tape.reasons) == ([], [reason])


def test_totals_are_bounded():
    """A list that invents exchanges is refused after a while instead of filling the memory."""
    delta, tape = ExchangeListDelta(), Tape()
    for part in range(11):
        delta.take(body(**{f"x{part}-{number}": (1, 1) for number in range(1000)}), "BTC", T, tape)
    assert set(tape.reasons) == {"unknown_instrument"}
    assert len(tape.refusals) == 2000


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_growth_is_the_sum_of_the_rises(totals):
    """Over any course of totals, what is handed over is exactly the sum of the rises."""
    delta, tape = ExchangeListDelta(), Tape()
    for number, usd_cents in enumerate(totals):
        delta.take(body(OKX=(usd_cents / 100, 0)), "BTC", T + number, tape)
    rises = sum(max(0, after - before) for before, after in pairwise(totals))
    assert sum(row.usd_cents for row in tape.liquidations) == rises
    assert tape.refusals == []
