"""SPEC 2's numbers as they are written there, through the engine: to the cent, to the millisecond, by group and direction.

`test_own_normal.py` does so for volume spikes, `test_interest.py` for funding and open interest.
"""

from __future__ import annotations

import pytest

from tests.reference.million.lives import Line, Machine, Row
from ws_alert.messages import RecordKind
from ws_alert.rules import Rules

T = 1_700_000_040_000
DOLLARS = 100
STORM, CLUSTER, HUNT = "liquidation_storm", "whale_cluster", "stop_hunt"


def forced(at: int, usd: float, *, asset="BTC", side="long", price=100.0) -> Row:
    """Return a liquidation, so many ms after the start."""
    return Row(T + at, T + at, "liquidation", asset, "a", side, round(usd * DOLLARS), price)


def order(at: int, usd: float, *, asset="BTC", side="buy", price=100.0) -> Row:
    """Return a taker order."""
    return Row(T + at, T + at, "trade", asset, "a", side, round(usd * DOLLARS), price)


def found(kind: str, *rows: Row, asset: str = "BTC") -> list[Line]:
    """Return the findings of a kind, with the default rules; the last second is judged when it is over."""
    machine = Machine(Rules())
    for row in rows:
        machine.feed(row)
    machine.rest(rows[-1].received_ms + 1_000)
    return [line for line in machine.lines[asset] if line.kind == kind and line.what == "hit"]


GROUPS = [("BTC", 0), ("ETH", 0), ("BNB", 0), ("SOL", 1), ("ADA", 1), ("XRP", 1), ("AVAX", 2), ("DOT", 2), ("POL", 2),
          ("PEPE", 3)]  # fmt: skip


@pytest.mark.parametrize(("asset", "group"), GROUPS)
@pytest.mark.parametrize("side", [0, 1])
def test_single_events(asset: str, group: int, side: int) -> None:
    """$500k / $300k / $100k liquidated; orders of $1M / $500k / $200k."""
    closed, taken = ("long", "short")[side], ("buy", "sell")[side]
    usd = (500_000, 300_000, 100_000, 100_000)[group]
    assert not found("large_liquidation", forced(0, usd - 0.01, asset=asset, side=closed), asset=asset)
    (line,) = found("large_liquidation", forced(0, usd, asset=asset, side=closed), asset=asset)
    assert (line.direction, line.tier) == (closed, "INFO")
    usd = (1_000_000, 500_000, 200_000, 200_000)[group]
    assert not found("whale_trade", order(0, usd - 0.01, asset=asset, side=taken), asset=asset)
    (line,) = found("whale_trade", order(0, usd, asset=asset, side=taken), asset=asset)
    assert (line.direction, line.tier) == (taken, "INFO")


@pytest.mark.parametrize(("asset", "group"), GROUPS)
@pytest.mark.parametrize("side", ["long", "short"])
def test_storm(asset: str, group: int, side: str) -> None:
    """$2M / $1M / $0.5M of one side by two liquidations within (t - 30 s, t]; 1x, 2x, 4x, 8x."""
    usd = (2_000_000, 1_000_000, 500_000, 500_000)[group]

    def storm(first: float, at: int, second: float) -> list[Line]:
        return found(
            STORM,
            forced(0, first, asset=asset, side=side),
            forced(at, second, asset=asset, side=side),
            asset=asset,
        )

    assert [line.direction for line in storm(usd - 0.01, 29_999, 0.01)] == [side]
    assert not storm(usd - 0.01, 30_000, 0.01)
    assert not storm(usd - 0.02, 0, 0.01)
    assert not found(STORM, forced(0, 9 * usd, asset=asset, side=side), asset=asset)
    for times in (1, 2, 4, 8):
        assert [line.facts[0] for line in storm(times * usd - 1, 0, 1)] == [times]
        assert [line.facts[0] for line in storm(times * usd - 1, 0, 0.99)] == (
            [times // 2] if times > 1 else []
        )


@pytest.mark.parametrize(("asset", "group"), GROUPS)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_cluster(asset: str, group: int, side: str) -> None:
    """$3M / $1.5M / $0.5M by 3 / 3 / 2 orders of $100k (BTC, ETH) or $10k, 70 / 65 / 60 % of one side, within 30 s."""
    usd = (3_000_000, 1_500_000, 500_000, 500_000)[group]
    percent, count = (70, 65, 60, 60)[group], (3, 3, 2, 2)[group]
    floor = 100_000 if asset in ("BTC", "ETH") else 10_000
    other = "sell" if side == "buy" else "buy"

    def cluster(main: float, least: float, at: int, against: float) -> list[str]:
        rows = [order(0, main, asset=asset, side=side)]
        rows += [order(at, least, asset=asset, side=side)] * (count - 2)
        return [
            line.direction
            for line in found(CLUSTER, *rows, order(at, against, asset=asset, side=other), asset=asset)
        ]

    against = usd * (100 - percent) / 100
    main = usd - against - floor * (count - 2)
    assert cluster(main, floor, 29_999, against) == [side]
    assert cluster(main, floor, 30_000, against) == []
    assert cluster(main - 0.01, floor, 0, against) == []
    assert cluster(main - 0.01, floor, 0, against + 0.01) == []
    if count == 3:
        assert cluster(main + 0.01, floor - 0.01, 0, against) == []
    half = [order(0, usd / 2, asset=asset, side=side)]
    assert not found(CLUSTER, *half, order(0, floor - 0.01, asset=asset, side=side), asset=asset)


@pytest.mark.parametrize(("asset", "group"), GROUPS)
@pytest.mark.parametrize(("flushed", "taker"), [("long", "buy"), ("short", "sell")])
def test_stop_hunt(asset: str, group: int, flushed: str, taker: str) -> None:
    """MORE than $2M (by group), 60 % of it one side; then MORE than $100k (by group) against it within 30 s."""
    usd = (2_000_000, 1_000_000, 500_000, 500_000)[group]
    least = (100_000, 50_000, 25_000, 25_000)[group]
    other = "short" if flushed == "long" else "long"

    def hunt(total: float, at: int, absorbed: float, *, share=1.0, side=taker) -> list[str]:
        rows = [forced(0, total * (1 - share), asset=asset, side=other)] if share < 1 else []
        rows.append(forced(0, total * share, asset=asset, side=flushed))
        return [
            line.direction
            for line in found(HUNT, *rows, order(at, absorbed, asset=asset, side=side), asset=asset)
        ]

    assert hunt(usd + 0.01, 1, least + 100_000) == [flushed]
    assert hunt(usd, 1, least + 100_000) == []
    assert hunt(usd + 1, 30_000, least + 100_000) == [flushed]
    assert hunt(usd + 1, 30_001, least + 100_000) == []
    assert hunt(usd + 1, 0, least + 100_000) == []
    assert hunt(usd + 1, 1, least + 0.01) == [flushed]
    assert hunt(usd + 1, 1, least) == []
    assert hunt(2 * usd, 1, 2 * least, share=0.6) == [flushed]
    assert hunt(2 * usd, 1, 2 * least, share=0.5999999) == []
    assert hunt(usd + 1, 1, 2 * least, side="sell" if taker == "buy" else "buy") == []


def test_flush_and_its_absorption_are_summed_within_their_windows() -> None:
    """Liquidations of (t - 30 s, t]; several orders together."""
    rows = (forced(0, 2_000_000), forced(29_999, 0.01), order(59_999, 100_000), order(59_999, 100_000))
    assert [(line.usd, line.count) for line in found(HUNT, *rows)] == [(200_000_001, 2)]
    assert not found(HUNT, forced(0, 2_000_000), forced(30_000, 0.01), *rows[2:])


@pytest.mark.parametrize(("late", "hunts"), [(60_000, True), (60_001, False)])
def test_absorption_may_arrive_a_minute_late(late: int, hunts: bool) -> None:
    """The flush is remembered for as long as an order within its 30 s may still arrive."""
    machine = Machine(Rules())
    machine.feed(forced(0, 2_000_001))
    machine.engine.receive(RecordKind.TICK, "", b"", T + 30_000 + late)
    machine.feed(order(30_000, 200_000)._replace(received_ms=T + 30_000 + late))
    assert (HUNT in {line.kind for line in machine.lines["BTC"]}) is hunts


@pytest.mark.parametrize(("asset", "group"), GROUPS)
@pytest.mark.parametrize(("main", "other"), [("buy", "sell"), ("sell", "buy")])
def test_order_flow(asset: str, group: int, main: str, other: str) -> None:
    """More than 65 % of 300 whole seconds, three large orders of it, a score above 70: above $3M (by group) and 70 %."""
    share = (1, 0.5, 0.25, 0.25)[group]
    floor = 100_000 if asset in ("BTC", "ETH") else 10_000
    large = max(floor, 120_000 * share)

    def flow(volume: float, percent: float, *, orders=3, size=large) -> list[str]:
        """Let the other side come first, then the rest in orders below the floor, then the large ones."""
        rest = round(volume * percent / 100 - orders * size, 2)
        pieces = int(rest // (floor - 1))
        rows = [order(0, volume * (100 - percent) / 100, asset=asset, side=other)]
        rows += [order(1, floor - 1, asset=asset, side=main) for _ in range(pieces)]
        rows.append(order(2, rest - pieces * (floor - 1), asset=asset, side=main))
        rows += [order(900, size, asset=asset, side=main) for _ in range(orders)]
        return [line.direction for line in found("order_flow", *rows, asset=asset)]

    assert set(flow(3_000_001 * share, 75)) == {main}
    assert not flow(3_000_000 * share, 75)
    assert not flow(3_100_000 * share, 70)
    assert set(flow(3_100_000 * share, 70.01)) == {main}
    assert set(flow(2_000_001 * share, 80.01)) == {main}
    assert not flow(2_000_001 * share, 80)
    assert set(flow(5_000_100 * share, 70.01)) == {main}
    assert not flow(5_000_100 * share, 65)
    assert not flow(3_100_000 * share, 75, orders=2)
    assert not flow(3_100_000 * share, 75, size=floor - 0.01)


def test_order_flow_counts_whole_seconds() -> None:
    """Of [t - 300 s, t): what was bought in second 0 counts until second 299 is over, and no longer."""
    rows = [order(place, 1_100_000) for place in (0, 1, 999)]
    begun = [*rows, order(299_999, 1.0)]
    (*_, line) = found("order_flow", *begun)
    assert (line.event_ms - T, line.usd) == (300_000, 330_000_100)
    late = Machine(Rules())
    for row in (*rows, order(301_000, 1.0)):
        late.feed(row)
    assert [
        found.event_ms - T
        for found in late.lines["BTC"]
        if found.kind == "order_flow" and found.event_ms > T + 300_000
    ] == []


@pytest.mark.parametrize(("asset", "group"), GROUPS)
@pytest.mark.parametrize(("main", "other"), [("buy", "sell"), ("sell", "buy")])
def test_accumulation(asset: str, group: int, main: str, other: str) -> None:
    """Three large orders of one side in (t - 180 s, t] while the price range is at most 0.15 %."""
    floor = 100_000 if asset in ("BTC", "ETH") else 10_000

    def hoard(at: int, *, size: float = floor, high: float = 100.0, against: float = 0) -> list[str]:
        rows = [order(0, floor, asset=asset, side=main), order(1, floor, asset=asset, side=main, price=high)]
        rows += [order(1, against, asset=asset, side=other)] if against else []
        rows.append(order(at, size, asset=asset, side=main))
        return [line.direction for line in found("whale_accumulation_window", *rows, asset=asset)
                if line.event_ms == T + at]  # fmt: skip

    assert hoard(179_999) == [main]
    assert hoard(180_000) == []
    assert hoard(1_000, size=floor - 0.01) == []
    assert hoard(1_000, high=100.15) == [main]
    assert hoard(1_000, high=100.16) == []
    assert hoard(1_000, against=3 * floor - 0.01) == [main]
    assert hoard(1_000, against=3 * floor) == []


@pytest.mark.parametrize("side", ["long", "short"])
def test_cascade(side: str) -> None:
    """Five coins whose storms began in (t - 60 s, t]; the market's total."""

    def cascade(coins: int, last: int) -> list[Line]:
        rows = []
        for place, asset in enumerate(("BTC", "SOL", "AVAX", "PEPE", "DOGE")[:coins]):
            at = last if place == coins - 1 else 0
            rows += [forced(at, 1_999_999, asset=asset, side=side), forced(at, 1, asset=asset, side=side)]
        return found("market_cascade", *rows, asset="MARKET")

    (line,) = cascade(5, 59_999)
    assert (line.direction, line.usd, line.count) == (side, 5 * 200_000_000, 10)
    assert not cascade(5, 60_000)
    assert not cascade(4, 0)


@pytest.mark.parametrize(
    ("closed", "taken", "direction"), [("short", "buy", "bullish"), ("long", "sell", "bearish")]
)
def test_radar_reaches_its_bands(closed: str, taken: str, direction: str) -> None:
    """Both at their minimum are moderate already; 3x both are strong, 16x both extreme."""

    def radar(times: float) -> Line:
        rows = [forced(0, 1_000_000 * times, side=closed)] * 2 + [order(0, 1_000_000 * times, side=taken)] * 3
        return found("global_radar", *rows)[-1]

    assert [(radar(times).facts[1], radar(times).tier, radar(times).direction) for times in (1, 3, 16)] == [
        ("moderate", "INFO", direction), ("strong", "WATCH", direction), ("extreme", "URGENT", direction)]  # fmt: skip
