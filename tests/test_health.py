"""The health figures, and the server that shows them."""

from __future__ import annotations

import httpx
import pytest

from teleglas.errors import ConfigError
from ws_alert.health import FeedHealth, HealthMonitor, SeriesHealth
from ws_alert.health_server import HUNG_S, HealthServer
from ws_alert.messages import Outcome, OutcomeKind

START = 1_800_000_000_000
HOUR = 3_600_000
LIVE = FeedHealth("binance", "trades", "live", START, event_age_s=0.4)
DOWN = FeedHealth("okx", "trades", "down", START, "HTTP 451")


def _observed(monitor, *feeds, **more):
    values = {"feeds": feeds, "alerts": {}, "inputs": 7, "waiting": 0, "degraded": None}
    monitor.observed(**(values | more))
    return monitor


def test_errors_of_the_last_hour_roll():
    """An error counts for exactly an hour."""
    monitor = HealthMonitor(START)
    for minute in (0, 30, 59):
        monitor.failed(START + minute * 60_000)
    counts = [
        monitor.get_health_status(START + at).errors_last_hour for at in (HOUR - 1, HOUR, HOUR + 30 * 60_000)
    ]
    assert counts == [3, 2, 1]
    for n in range(20_000):
        monitor.failed(START + HOUR + n)
    assert monitor.get_health_status(START + HOUR + 20_000).errors_last_hour == 10_000


def test_alerts_are_counted_by_kind_and_direction():
    """Long and short signals are the scanner's; liquidated longs are not a long signal."""
    alerts = {
        ("candle_confluence", "bullish"): 3, ("candle_confluence", "bearish"): 2, ("liquidation_storm", "long"): 5,
    }  # fmt: skip
    status = _observed(HealthMonitor(START), LIVE, alerts=alerts).get_health_status(START + 90_500)
    assert (status.long_signals, status.short_signals, status.uptime_s, status.inputs) == (3, 2, 90.5, 7)
    assert status.alerts == {
        "candle_confluence": {"bearish": 2, "bullish": 3},
        "liquidation_storm": {"long": 5},
    }


def test_the_share_of_accepted_mail():
    """Attempts that are put off count as not accepted; other ways count apart."""
    monitor = _observed(HealthMonitor(START), LIVE)
    assert monitor.get_health_status(START).mail_rate is None
    for way, kind in (
        ("mail", OutcomeKind.SENT), ("mail", OutcomeKind.SENT), ("mail", OutcomeKind.RETRY_AT),
        ("mail", OutcomeKind.UNDELIVERABLE), ("chat", OutcomeKind.SENT),
    ):  # fmt: skip
        monitor.delivered(way, Outcome(kind))
    status = monitor.get_health_status(START)
    assert (status.mail_rate, status.ways["chat"].rate) == (0.5, 1.0)
    assert (status.ways["mail"].sent, status.ways["mail"].refused, status.ways["mail"].tries) == (2, 1, 4)


@pytest.mark.parametrize(
    ("feeds", "degraded", "problems"),
    [
        ((), None, ("no feed delivers",)),
        ((DOWN,), None, ("no feed delivers",)),
        ((LIVE, DOWN), None, ()),
        ((FeedHealth("okx", "trades", "polling", START),), None, ("no market data",)),
        ((FeedHealth("okx", "trades", "live", START, event_age_s=60.1),), None, ("no market data",)),
        ((LIVE,), "disk full", ("the database cannot be used",)),
    ],
)
def test_readiness_needs_data_and_a_database(feeds, degraded, problems):
    """One feed that delivers is enough; a connection without data is not."""
    status = _observed(HealthMonitor(START), *feeds, degraded=degraded).get_health_status(START)
    assert (status.problems, status.ready) == (problems, not problems)


def test_the_summary_says_what_matters_in_one_line():
    """As it stands in the log each five minutes and in /status."""
    monitor = _observed(HealthMonitor(START), LIVE, DOWN, alerts={("whale_trade", "buy"): 1}, waiting=2)
    monitor.failed(START)
    monitor.delivered("mail", Outcome(OutcomeKind.SENT))
    assert monitor.summary(START + HOUR - 1) == (
        "up 1 h, 1 alert, 0 long and 0 short signals, feeds 1 of 2, last data 0.4 s ago, "
        "1 error in the last hour, e-mail 100% accepted, 2 waiting to be sent"
    )
    assert "no data yet" in HealthMonitor(START).summary(START)


def test_the_summary_says_what_the_scanner_lacks():
    """The newest candle's age, and of each series that cannot be judged whole the reason; no more than four."""
    whole = SeriesHealth("BTCUSDT 1m", START - 14_000)
    cold = SeriesHealth("BTCUSDT 5m", START - 200_000, "warming up, 212 of 346")
    monitor = _observed(HealthMonitor(START), LIVE, series=(whole, cold))
    assert "last candle closed 14 s ago, BTCUSDT 5m warming up, 212 of 346, 0 errors" in monitor.summary(
        START
    )
    ages = {
        metric.labels: metric.value
        for metric in monitor.get_metrics(START)
        if metric.name == "teleglas_candle_age_seconds"
    }
    assert ages == {(("series", "BTCUSDT 1m"),): 14.0, (("series", "BTCUSDT 5m"),): 200.0}
    summary = _observed(monitor, LIVE, series=(cold,) * 6).summary(START)
    assert summary.count("warming up") == 4
    assert "2 more series not whole" in summary
    assert "candle" not in _observed(monitor, LIVE).summary(START)


@pytest.fixture
def server():
    """Return a server on a free port."""
    made = HealthServer(0)
    made.start()
    yield made
    made.stop()


async def _get(server, path):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
        return await http.get(path)


async def test_the_server_tells_hung_from_ready(server, monkeypatch):
    """Before the first figures and long after the last ones it is not well; without data it is not ready."""
    assert (await _get(server, "/healthz")).status_code == 503
    monitor = _observed(HealthMonitor(START), LIVE)
    server.publish(monitor.get_health_status(START), monitor.get_metrics(START))
    assert (await _get(server, "/healthz")).json() == {"ok": True}
    assert (await _get(server, "/readyz")).status_code == 200
    _observed(monitor, DOWN)
    server.publish(monitor.get_health_status(START), monitor.get_metrics(START))
    answer = await _get(server, "/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["no feed delivers"])
    server._published = server._published._replace(at_s=server._published.at_s - HUNG_S - 1)
    assert (await _get(server, "/healthz")).status_code == 503
    assert "hangs" in (await _get(server, "/readyz")).json()["problems"][0]


async def test_prometheus_can_read_the_metrics(server):
    """Counters end in _total, labels are quoted, and the process's own figures are there."""
    monitor = _observed(HealthMonitor(START), LIVE, DOWN, alerts={("whale_trade", "buy"): 3})
    monitor.delivered("mail", Outcome(OutcomeKind.SENT))
    server.publish(monitor.get_health_status(START), monitor.get_metrics(START + 5_000))
    answer = await _get(server, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    for line in (
        "teleglas_ready 1.0", "teleglas_uptime_seconds 5.0", "teleglas_inputs_total 7.0",
        'teleglas_alerts_total{direction="buy",kind="whale_trade"} 3.0',
        'teleglas_feed_up{family="trades",venue="binance"} 1.0', 'teleglas_feed_up{family="trades",venue="okx"} 0.0',
        'teleglas_deliveries_total{outcome="sent",way="mail"} 1.0', "teleglas_data_age_seconds 0.4",
    ):  # fmt: skip
        assert line in lines
    assert "process_resident_memory_bytes" in answer.text


def test_a_taken_port_is_a_wrong_setting(server):
    """Two instances must not share a port in silence."""
    with pytest.raises(ConfigError, match=f"HEALTH_PORT: {server.port} cannot be used"):
        HealthServer(server.port)
