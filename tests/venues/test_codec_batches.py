"""Frames in batches are the same market as frames one by one, whatever stands beside them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.errors import BadFrame
from teleglas.market import Instrument
from teleglas.market_sink import MarketSink
from teleglas.money import cents, exact_decimal, quick_cents
from teleglas.venues.binance.codec import BinanceCodec
from teleglas.venues.bybit.codec import BybitCodec
from teleglas.venues.okx.codec import OkxCodec

T = 1_790_000_000_000
SWAPS = [Instrument("okx", f"{coin}-USDT-SWAP", coin, multiplier=Decimal("0.1")) for coin in ("BTC", "ETH")]
MAKE = {
    "binance": lambda: BinanceCodec({"BTCUSDT": Instrument("binance", "BTCUSDT", "BTC")}),
    "bybit": lambda: BybitCodec({"BTCUSDT": Instrument("bybit", "BTCUSDT", "BTC")}),
    "okx": lambda: OkxCodec({one.symbol: one for one in SWAPS}),
}


class Log(MarketSink):
    """Keeps every call in order; takes plain trades in one go, or not at all."""

    def __init__(self, *, takes: bool = True) -> None:
        self.calls: list[tuple] = []
        self._takes = takes

    def take_plain(self, frames, kind, known):
        """Do to each plain trade what `trade` does."""
        for frame in frames:
            row = frame.data
            if not self._takes or type(row) is not kind:
                return row
            side = not row.sold
            self.trade(known[row.symbol], row.trade_id, "", row.event_ms, side, row.price, row.quantity)
        return None

    def trade(self, instrument, *rest) -> None:
        """Keep a trade."""
        self.calls.append(("trade", instrument.symbol, *rest))

    def liquidation(self, row) -> None:
        """Keep a liquidation."""
        self.calls.append(("liquidation", row.instrument.symbol, row.event_ms, row.side, row.price, row.usd_cents,
                           row.price_kind, row.occurrence))  # fmt: skip

    def mark(self, instrument, *rest) -> None:
        """Keep a mark price."""
        self.calls.append(("mark", instrument.symbol, *rest))

    def candle(self, instrument, *rest) -> None:
        """Keep a candle."""
        self.calls.append(("candle", instrument.symbol, *rest))

    def funding(self, instrument, *rest) -> None:
        """Keep a funding rate."""
        self.calls.append(("funding", instrument.symbol, *rest))

    def open_interest(self, instrument, *rest) -> None:
        """Keep an open interest."""
        self.calls.append(("open_interest", instrument.symbol, *rest))

    def refuse(self, *rest) -> None:
        """Keep a refusal."""
        self.calls.append(("refuse", *rest))


def raw(frame: object) -> bytes:
    """Return a frame as venues write it."""
    return json.dumps(frame, separators=(",", ":")).encode()


symbols = st.sampled_from(["BTCUSDT", "ETHUSDT", "1000PEPEUSDT", "BTCUSD_PERP", "ETHBTC", "*"])
numbers = st.sampled_from(["9.5", "0.001", "123456.789", "0", "-1", "NaN", "x", "1e3"])
sides = st.sampled_from(["BUY", "SELL", "Buy", "Sell", "buy", "sell"])
binance_trades = st.builds(
    lambda s, p, q, m, a: {"e": "aggTrade", "E": T, "a": a, "s": s, "p": p, "q": q, "f": 1, "T": T - a, "m": m},
    symbols, numbers, numbers, st.booleans(), st.integers(0, 9),
)  # fmt: skip
binance_orders = st.builds(
    lambda s, side, q, p: {"e": "forceOrder", "o": {"s": s, "S": side, "q": q, "p": p, "ap": p, "z": q, "T": T}},
    symbols, sides, numbers, numbers,
)  # fmt: skip
marks = st.builds(lambda s, p: {"e": "markPriceUpdate", "E": T, "s": s, "p": p}, symbols, numbers)
events = binance_trades | binance_orders | marks
bybit_trades = st.builds(
    lambda s, side, v, p, i, bt: {"T": T, "s": s, "S": side, "v": v, "p": p, "i": i, "BT": bt, "seq": 5},
    symbols, sides, numbers, numbers, st.sampled_from("abc"), st.booleans(),
)  # fmt: skip
okx_trades = st.builds(
    lambda s, side, v, p, i: {"instId": s, "tradeId": i, "px": p, "sz": v, "side": side, "ts": str(T)},
    st.sampled_from(["BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP", "BTC-USDT"]), sides, numbers, numbers,
    st.sampled_from(["1", "2", "x"]),
)  # fmt: skip
junk = st.sampled_from([b"", b"{}", b"[]", b"pong", b"1", b'{"result":null,"id":1}', b"{", b"\xff", b"null"])
FRAMES = {
    "binance": st.builds(lambda data: raw({"stream": "x", "data": data}), events | st.lists(events, max_size=3))
    | events.map(raw),
    "bybit": st.builds(lambda rows: raw({"topic": "publicTrade.B", "data": rows}), st.lists(bybit_trades, max_size=3)),
    "okx": st.builds(
        lambda rows: raw({"arg": {"channel": "trades", "instId": "x"}, "data": rows}), st.lists(okx_trades, max_size=3)
    ),
}  # fmt: skip


def broken(frames: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return frames, among them torn ones and two or a half in the place of one."""
    cut = st.builds(lambda frame, at: frame[: len(frame) * at // 8], frames, st.integers(0, 8))
    rest = st.builds(lambda frame, at: frame[len(frame) * at // 8 :], frames, st.integers(0, 8))
    two = st.builds(
        lambda one, other, mark: one + mark + other, frames, frames, st.sampled_from([b",", b"", b"\n"])
    )
    return frames | frames | frames | junk | cut | rest | two


@pytest.mark.parametrize("takes", [True, False])
@pytest.mark.parametrize("venue", MAKE)
@given(data=st.data())
def test_a_batch_is_its_frames_one_by_one(venue: str, takes: bool, data: st.DataObject) -> None:
    """In the order of the frames; a broken one costs its neighbours nothing and counts by itself."""
    batches = data.draw(st.lists(st.lists(broken(FRAMES[venue]), max_size=20), max_size=5))
    one, many, single, batched = MAKE[venue](), MAKE[venue](), Log(), Log(takes=takes)
    for batch in batches:
        for payload in batch:
            one.decode(payload, single)
        many.decode_many(batch, batched)
    assert batched.calls == single.calls


@pytest.mark.parametrize("venue", MAKE)
def test_a_frame_above_the_limit_is_refused_within_a_batch(venue: str) -> None:
    """It is not parsed, and the others are taken."""
    good = {"binance": raw({"stream": "x", "data": {"e": "aggTrade", "a": 1, "s": "BTCUSDT", "p": "9", "q": "1",
                                                    "T": T, "m": True}}),
            "bybit": raw({"topic": "publicTrade.B", "data": [{"T": T, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "9",
                                                              "i": "a", "seq": 1}]}),
            "okx": raw({"arg": {"channel": "trades", "instId": "x"}, "data": [
                {"instId": "BTC-USDT-SWAP", "tradeId": "1", "px": "9", "sz": "1", "side": "buy", "ts": str(T)}]}),
            }[venue]  # fmt: skip
    log = Log()
    MAKE[venue]().decode_many([good, b"{" + b" " * (1 << 20) + b"}", good], log)
    assert [call[0] for call in log.calls] == ["trade", "refuse", "trade"]


def test_contracts_that_were_listed_later_are_taken_in_one_go_too() -> None:
    """However many new ones come: the short way is laid anew, and a refreshed table is followed."""
    codec, log, taken = MAKE["binance"](), Log(), []
    log.take_plain, take = lambda *given: taken.append(given[2]) or take(*given), log.take_plain
    frames = [
        raw({"stream": "x", "data": {"e": "aggTrade", "a": 1, "s": f"C{place}USDT", "p": "9", "q": "1", "T": T,
                                     "m": True}})
        for place in range(60)
    ]  # fmt: skip
    codec.decode_many(frames, log)
    taken.clear()
    for _ in range(2):
        codec.decode_many(frames, log)
    assert len(log.calls) == 180
    assert len(taken) == 2
    changed = Instrument("binance", "C1USDT", "C1", multiplier=Decimal(7))
    codec.use({"C1USDT": changed})
    seen: list[Instrument] = []
    log.trade = lambda instrument, *_: seen.append(instrument)
    codec.decode_many([frames[1]], log)
    assert seen == [changed]


def test_a_mistake_of_the_sink_is_no_bad_frame() -> None:
    """What the engine raises goes up as it is, though a decoder could have raised the same."""
    good = raw({"stream": "x", "data": {"e": "aggTrade", "a": 1, "s": "BTCUSDT", "p": "9", "q": "1", "T": T,
                                        "m": True}})  # fmt: skip
    codec, log = MAKE["binance"](), Log()
    codec.decode_many([good] * 50, log)
    log.calls.clear()
    mistakes = iter(["ours"])

    def wrong(*_) -> None:
        for mistake in mistakes:
            raise ValueError(mistake)

    log.trade = wrong
    with pytest.raises(ValueError, match="ours"):
        codec.decode_many([good, good], log)
    assert log.calls == []


decimals = st.decimals(min_value=Decimal("1e-9"), max_value=Decimal("1e9"), allow_nan=False, places=None)
edges = st.builds(lambda n, d: Decimal(n) / 1000 + Decimal(d), st.integers(1, 10**13), st.sampled_from([0, "1e-12", "-1e-12"]))  # fmt: skip


@given(price=decimals | edges, quantity=decimals, multiplier=st.sampled_from(["1", "0.01", "1000"]))
def test_cents_of_a_float_are_the_exact_ones_or_none(
    price: Decimal, quantity: Decimal, multiplier: str
) -> None:
    """Also next to half a cent, where a float product may fall on either side."""
    product = float(str(price)) * (float(str(quantity)) * float(multiplier))
    quick = quick_cents(product)
    try:
        exact = cents(exact_decimal(str(price)) * exact_decimal(str(quantity)) * Decimal(multiplier))
    except BadFrame:
        exact = None
    assert quick is None or quick == exact


@given(amount=edges, quantity=st.sampled_from([1, 2, 4, 5, 8, 10]))
def test_half_cents_are_never_guessed(amount: Decimal, quantity: int) -> None:
    """An amount that is half a cent away from a whole one is left to exact arithmetic."""
    price = amount / quantity
    assert price * quantity == amount
    if abs(amount * 100 % 1 - Decimal("0.5")) < Decimal("0.0009"):
        assert quick_cents(float(str(price)) * quantity) is None
