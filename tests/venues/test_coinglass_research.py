"""Rows of the endpoints that no command asks, from values made by hand: order, gaps, units and shapes."""

from __future__ import annotations

import pytest

from teleglas.market import PositionSide
from teleglas.venues.coinglass.api.decode import Decoded, ShapeError
from teleglas.venues.coinglass.api.endpoints_research import RESEARCH as R
from teleglas.venues.coinglass.api.rows_indicators import Figure, figure

T0 = 1_790_000_000_000
S0 = T0 // 1000


@pytest.mark.parametrize(
    ("given", "found"),
    [("-0.1%", Figure(-0.1, "%")), ("1,250K", Figure(1250.0, "K")), ("4", Figure(4.0)), (".5", Figure(0.5)), (7, Figure(7.0)),
     ("2 years", Figure(2.0, "years")), ("soon", Figure(None, "soon")), ("0", Figure(0.0)), ("", None), ("-", None),
     (None, None)],
)  # fmt: skip
def test_figures(given, found):
    """A number keeps its unit, words are no number, and nothing is none."""
    assert figure(given) == found


@pytest.mark.parametrize("given", [True, [], {}, "x" * 61])
def test_no_figures(given):
    """What cannot be a figure is refused."""
    with pytest.raises(ShapeError):
        figure(given)


def test_footprints():
    """Periods come oldest first, bands lowest first, and a short band is left out."""
    band = [2, 3, "1.5", None, 9, 9, 30, 0, 4, 0]
    late, early = [S0 + 60, [band]], [S0, [band, [1, 2, *band[2:]], [0, 1]]]
    first, last = R.FOOTPRINT.read([late, early]).value
    assert (first.time_ms, last.time_ms, [row.low for row in first.rows]) == (T0, T0 + 60_000, [1.0, 2.0])
    (row,) = last.rows
    assert (row.buy_quantity, row.sell_quantity, row.buy_usd, row.sell_usd, row.sells) == (1.5, None, 30.0, 0.0, 0.0)


def test_calendar():
    """A coming event has no published number; one without a time or a name is skipped and counted."""
    late = {"calendar_name": "CPI", "publish_timestamp": T0, "published_value": "", "forecast_value": "3.1%"}
    early = late | {"publish_timestamp": S0 - 60, "has_exact_publish_time": 1, "importance_level": "3"}
    found = R.CALENDAR.read([late, early, late | {"calendar_name": " "}, late | {"publish_timestamp": None}])
    assert ([event.time_ms for event in found.value], found.skipped) == ([T0 - 60_000, T0], 2)
    assert [(event.exact, event.importance) for event in found.value] == [(True, 3.0), (False, None)]
    assert (found.value[0].published, found.value[0].forecast) == (None, Figure(3.1, "%"))


def test_peak_signs():
    """A sign says whether it is reached, and is skipped if it does not."""
    sign = {"indicator_name": "Heat", "current_value": "61.6%", "target_value": None, "hit_status": True}
    found = R.PEAK_SIGNS.read([sign, sign | {"hit_status": "no"}])
    assert found.skipped == 1
    (heat,) = found.value
    assert (heat.current, heat.target, heat.reached) == (Figure(61.6, "%"), None, True)


def test_expiries():
    """Expiries come soonest first; without calls there is no ratio; a date that is none is skipped."""
    row = {"date": "261225", "max_pain_price": "", "call_open_interest": 0, "put_open_interest": 4}
    found = R.OPTION_EXPIRIES.read([row, row | {"date": "261127", "call_open_interest": 8}, row | {"date": "261340"}])
    assert ([each.expiry.isoformat() for each in found.value], found.skipped) == (["2026-11-27", "2026-12-25"], 1)
    assert [(each.put_call_ratio, each.max_pain_price) for each in found.value] == [(0.5, None), (None, None)]


def test_balances():
    """`All` stands apart, and a chart is read in a list or as an object, its prices unknown if of another length."""
    row = {"exchange_name": "huobi", "total_balance": "0", "balance_change_1d": None}
    board = R.BALANCES.read([row, row | {"exchange_name": "ALL", "total_balance": 5}]).value
    assert ([each.exchange for each in board.venues], board.venues[0].quantity, board.total.quantity) == (["HTX"], 0.0, 5.0)
    assert board.venues[0].change_quantity == {"1d": None}
    chart = {"time_list": [T0, S0 - 60], "data_map": {"okex": [1, 2]}, "price_list": [1]}
    for data in (chart, [chart]):
        read = R.BALANCE_CHART.read(data).value
        assert (read.times_ms, read.prices, read.by_exchange) == ([T0 - 60_000, T0], [None, None], {"OKX": [2.0, 1.0]})


@pytest.mark.parametrize(("code", "direction"), [(1, "in"), ("2", "out"), (3, "internal"), (4, None), (None, None)])
def test_directions(code, direction):
    """A transfer's direction is the exchange's; an unknown code has none."""
    row = {"transaction_time": S0, "transaction_hash": "0x1", "asset_symbol": "X", "exchange_name": "OKX"}
    (transfer,) = R.EXCHANGE_TRANSFERS.read([row | {"amount_usd": 1, "asset_quantity": 2, "transfer_type": code}]).value
    assert (transfer.time_ms, transfer.direction) == (T0, direction)


@pytest.mark.parametrize(("size", "side"), [("2", PositionSide.LONG), (-2, PositionSide.SHORT), (0, None), (None, None)])
def test_sides_of_held_positions(size, side):
    """The sign of the size is the side."""
    position = {"coin": "BTC", "szi": size, "position_value": 1}
    account = R.ACCOUNT.read({"margin_summary": {"account_value": 1}, "asset_positions": [{"position": position}]}).value
    assert [each.side for each in account.positions] == [side]


def test_past_walls():
    """Walls that ended come oldest first, those without a start before all."""
    row = {"exchange_name": "OKX", "symbol": "X", "current_usd_value": 1, "limit_price": 2}
    rows = [row | {"id": number, "start_time": start} for number, start in ((1, T0), (2, None), (3, S0 - 60))]
    assert [wall.id for wall in R.PAST_WALLS.read(rows).value] == ["2", "3", "1"]


@pytest.mark.parametrize("name", R.all())
@pytest.mark.parametrize("data", [None, [], {}, "x", 7, [7], [None], ["x"], [[]], [{}], [[1, 2]], {"a": 1}])
def test_other_shapes_are_named(name, data):
    """Whatever comes instead of the documented shape is no value: nothing, or an error that says so."""
    try:
        found = R.all()[name].read(data)
    except ShapeError:
        return
    assert isinstance(found, Decoded)
    assert not (data and found.value)
