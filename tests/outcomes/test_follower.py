"""What followed an alert is measured from our own prices, once, and by the next process if this one is killed."""

from __future__ import annotations

import pytest

from teleglas.outcomes import Move
from teleglas.storage.history import sent_alerts
from teleglas.storage.outcomes import followed
from teleglas.storage.store import open_store
from teleglas.tape import MINUTE_MS
from tests.made_candles import walk
from tests.outcomes.house import NOON, House
from ws_alert.outcomes import follower as follower_module
from ws_alert.outcomes.follower import GIVE_UP_MS
from ws_alert.outcomes.minute_prices import SETTLED_MS
from ws_alert.rules import Rules

SECOND = 1_000
HOUR = 60 * MINUTE_MS
DAY_MS = 24 * HOUR


def moves(house, horizon):
    """Return what is known after a horizon, in the database."""
    store = open_store(house.url)
    try:
        return [each.move for each in followed(store, "liquidation_storm", horizon)]
    finally:
        store.close()


async def test_an_alert_is_followed_over_its_horizons(tmp_path):
    """Each horizon is measured when its minute can change no more, and not a moment earlier."""
    house = House(tmp_path, ("1", "2"))
    async with house.process() as process:
        await process.trades(0, MINUTE_MS, 100.0)
        process.storm(61 * SECOND)
        await process.commit()
        await process.trades(70 * SECOND, 6 * MINUTE_MS, 101.0)
        process.trade(6 * MINUTE_MS, 999.0)
        await process.look(6 * MINUTE_MS + SETTLED_MS - 1)
        assert moves(house, 5) == []
        await process.look(6 * MINUTE_MS + SETTLED_MS)
        (five,) = moves(house, 5)
        assert (five.move, five.rise, five.fall) == (pytest.approx(1.0), pytest.approx(1.0), 0.0)
        await process.trades(7 * MINUTE_MS, HOUR + 2 * MINUTE_MS, 98.0)
        await process.look(HOUR + MINUTE_MS + SETTLED_MS)
        (quarter,), (hour,) = moves(house, 15), moves(house, 60)
        assert (quarter.move, hour.move, hour.fall) == (
            pytest.approx(-2.0),
            pytest.approx(-2.0),
            pytest.approx(-2.0),
        )
        assert (five.up, quarter.up) == (None, None), "five and fifteen minutes of tape tell no chance"
    assert house.open() == []


async def test_chance_is_read_off_the_tape(tmp_path):
    """Once there is an hour of pairs: this price rose in every minute."""
    house = House(tmp_path)
    async with house.process() as process:
        for minute in range(80):
            process.trade(minute * MINUTE_MS, 100.0 + minute)
            await process.look(minute * MINUTE_MS + 59 * SECOND)
        process.storm(79 * MINUTE_MS + 30 * SECOND)
        await process.commit()
        await process.trades(80 * MINUTE_MS, 86 * MINUTE_MS, 50.0)
        await process.look(85 * MINUTE_MS + SETTLED_MS)
    (five,) = moves(house, 5)
    assert five.move < 0
    assert five.up == pytest.approx(75 / 80)
    assert five.down == pytest.approx(5 / 80)


async def test_a_quiet_asset_is_not_measured(tmp_path):
    """No price in the horizon's minute: given up after a while, never guessed from an older one."""
    house = House(tmp_path)
    async with house.process() as process:
        await process.trades(0, MINUTE_MS, 100.0)
        process.storm(MINUTE_MS)
        await process.commit()
        await process.trades(70 * SECOND, 5 * MINUTE_MS, 101.0)
        await process.look(6 * MINUTE_MS + GIVE_UP_MS - 1)
        assert house.open() == [NOON + MINUTE_MS]
        await process.look(6 * MINUTE_MS + GIVE_UP_MS)
        assert moves(house, 5) == []
        await process.trades(16 * MINUTE_MS - 30 * SECOND, 16 * MINUTE_MS, 103.0)
        await process.look(16 * MINUTE_MS + SETTLED_MS)
        (quarter,) = moves(house, 15)
        assert (quarter.move, quarter.rise, quarter.fall) == (pytest.approx(3.0), None, None)


async def test_an_alert_without_a_price_is_settled_at_once(tmp_path):
    """Forced orders tell no market price."""
    house = House(tmp_path)
    async with house.process() as process:
        process.trade(0, 100.0)
        process.storm(61 * SECOND)
        await process.commit()
        assert house.open() == [NOON + 61 * SECOND]
        await process.look(62 * SECOND)
        assert house.open() == []
        assert moves(house, 5) == []


async def test_a_kill_between_alert_and_horizon_loses_no_outcome(tmp_path, monkeypatch):
    """Neither the alert nor a minute that was seen: the journal fills the tapes again, also after a long time."""
    monkeypatch.setattr(follower_module, "_ASSETS_AT_ONCE", 1)
    house = House(tmp_path)
    async with house.process() as killed:
        await killed.trades(0, MINUTE_MS, 100.0)
        await killed.commit()
        killed.storm(61 * SECOND)  # decided, never committed
        await killed.trades(70 * SECOND, 6 * MINUTE_MS, 104.0, looks=False)
        await killed.follower.look(NOON + 3 * MINUTE_MS)
        killed.trade(6 * MINUTE_MS, 105.0)
    assert house.open() == []
    house.now_ms = NOON + HOUR
    async with house.process() as process:
        process.trade(HOUR, 500.0, symbol="ETHUSDT")
        process.trade(HOUR, 500.0)
        await process.look(HOUR + SECOND)
    assert [(each.move, each.rise) for each in moves(house, 5)] == [(pytest.approx(4.0), pytest.approx(4.0))]
    assert moves(house, 15) == [], "nobody saw that minute"
    async with house.process() as again:
        await again.look(HOUR + 2 * MINUTE_MS)
        assert len(moves(house, 5)) == 1


async def test_a_cascade_is_followed_by_the_assets_of_its_storms(tmp_path):
    """The market itself has no price."""
    house = House(tmp_path)
    coins = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT")
    async with house.process() as process:
        for coin in coins:
            process.trade(0, 100.0, symbol=coin)
        for place, coin in enumerate(coins):
            process.storm(SECOND * (place + 1), symbol=coin)
        process.trade(10 * SECOND, 100.0)
        await process.commit()
        for place, coin in enumerate(coins):
            process.trade(5 * MINUTE_MS - SECOND, 100.0 - place, symbol=coin)
        await process.look(5 * MINUTE_MS + SETTLED_MS)
    store = open_store(house.url)
    (found,) = followed(store, "market_cascade", 5)
    store.close()
    assert found.move.move == pytest.approx(-2.0)


async def test_what_is_not_written_is_written_later(tmp_path):
    """A database that is away for a while costs no minute."""
    house = House(tmp_path)
    async with house.process() as process:
        await process.trades(0, MINUTE_MS, 100.0)
        process.storm(MINUTE_MS)
        await process.commit()
        await process.trades(70 * SECOND, 6 * MINUTE_MS, 90.0)
        engine = process.store._stores.home.engine
        with engine.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE tape_prices RENAME TO away")
            connection.commit()
        with pytest.raises(Exception, match="tape_prices"):
            await process.follower.look(NOON + 6 * MINUTE_MS + SETTLED_MS)
        with engine.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO tape_prices")
            connection.commit()
        await process.look(6 * MINUTE_MS + SETTLED_MS)
    assert moves(house, 5) == [Move(5, pytest.approx(-10.0), 0.0, pytest.approx(-10.0))]


async def test_a_confluence_is_followed_by_candles_where_no_trades_are_read(tmp_path):
    """The scanner alone reads nothing else: the candle that fired and those after it tell the price."""
    house = House(tmp_path, rules=Rules.model_validate({"scanner": {"mode": "scored"}}))
    candles = walk(600, start_ms=NOON - NOON % DAY_MS + DAY_MS)
    async with house.process() as process:
        for candle in candles:
            await process.candle(candle)
            await process.commit()
    store = open_store(house.url)
    sent = [each for each in sent_alerts(store, 99) if each.kind == "candle_confluence"]
    store.close()
    closes = {candle.close_ms: candle.close for candle in candles}
    known = [each for each in sent if each.event_ms + 17 * MINUTE_MS <= candles[-1].close_ms]
    assert known
    for each in known:
        wanted = (closes[each.event_ms + 15 * MINUTE_MS] / closes[each.event_ms] - 1) * 100
        assert (each.outcome, each.move) == ("measured", pytest.approx(wanted))
