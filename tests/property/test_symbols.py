"""A stablecoin's name alone is that coin; a pair's name is the coin before its quote, whatever the two spell together."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from teleglas.instruments import QUOTES, asset_of_symbol
from ws_alert.rules import Rules
from ws_alert.sources.replay import replay

DOLLARS = ("BUSD", "FDUSD", "SUSD", "TUSD", "PYUSD", "RLUSD", "GUSD", "LUSD", "CRVUSD", "USDT", "USDC", "USD")
HALVES = {word[:-3] for word in DOLLARS if word.endswith("USD")} - {""}

bases = (
    st.sampled_from(sorted(HALVES)) | st.sampled_from(DOLLARS) | st.text("ABDFPSTUVY", min_size=1, max_size=6)
)
spelled = st.sampled_from(
    ["{}{}", "{}-{}", "{}_{}", "{}/{}", "{}{}_PERP", "{}-{}-SWAP", "{}{}_260327", "{}-{}-27MAR26"]
)


@given(
    word=st.sampled_from(DOLLARS),
    change=st.sampled_from([str.upper, str.lower, str.title]),
    blank=st.sampled_from(["", " "]),
)
def test_a_stablecoin_alone_is_itself(word, change, blank):
    """In no case and between no blanks is `SUSD` a coin S, nor `FDUSD` a coin FD that nobody lists."""
    assert asset_of_symbol(blank + change(word) + blank) == (word, 1)


@given(base=bases, quote=st.sampled_from(QUOTES), how=spelled)
def test_a_pair_is_the_coin_before_its_quote(base, quote, how):
    """`SUSDT`, `S-USD` and `SUSD_PERP` are S, `FDUSDUSDT` is FDUSD; only the bare word of a stablecoin is not taken apart."""
    symbol = how.format(base, quote)
    assume(symbol not in DOLLARS)
    # the longest quote counts: ABUSD is A in BUSD
    assume(quote != "USD" or not base.endswith(("B", "FD")))
    assert asset_of_symbol(symbol) == (base, 1)


def test_settings_take_a_stablecoin_for_itself():
    """Watching FDUSD watches FDUSD, and a group that names S holds S."""
    assert Rules(watch="FDUSD, susd, BUSD, SUSDT, S").watch == ("FDUSD", "SUSD", "BUSD", "S")
    assert Rules(groups={"mid_cap": "pyusd"}).groups.mid_cap == ("PYUSD",)


@pytest.mark.parametrize(
    ("symbol", "asset"), [("SUSD", "SUSD"), ("FDUSD", "FDUSD"), ("SUSDT", "S"), ("S-USD", "S")]
)
def test_a_tape_of_a_bare_stablecoin_is_about_it(tmp_path, symbol, asset):
    """What a replay tells of a file's coin has the coin's own name."""
    tape, out = tmp_path / "tape.csv", tmp_path / "out.jsonl"
    tape.write_text(
        f"ts_ms,exchange,symbol,side,price,qty,usd\n1700000000000,okx,{symbol},long,1,9000000,9000000\n"
    )
    replay(journals=[], liquidations=[tape], trades=[], out=out, findings=None, rules=None)
    assert {json.loads(line)["asset"] for line in out.read_text().splitlines()} == {asset}
