"""The decoders know the contracts that the journal says they knew."""

from __future__ import annotations

from teleglas.market import Instrument
from tests.venues.tape import Tape
from ws_alert.sources.decoders import decoders

ROW = (
    b'{"channel":"liquidationOrders","data":[{"baseAsset":"","exName":"%s","price":2.0,"side":1,'
    b'"symbol":"XUSDT","time":1700000000000,"volUsd":5000.0}]}'
)


def test_equal_symbols_of_two_exchanges_stay_apart() -> None:
    """CoinGlass tells several exchanges: each keeps its own contract of one name, also after a restart."""
    known = tuple(
        Instrument(venue, "XUSDT", asset, inverse=True) for venue, asset in (("okx", "X"), ("htx", "XCOIN"))
    )
    tape = Tape()
    codec = decoders({"coinglass": known})["coinglass"]
    codec.decode_many([ROW % b"OKX", ROW % b"Huobi"], tape)
    assert [row.instrument for row in tape.liquidations] == list(known)
