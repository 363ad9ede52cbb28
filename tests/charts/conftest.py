"""A hand-made picture for tests of drawing."""

from __future__ import annotations

import pytest

from teleglas.charts.picture import Picture

NOON = 1_795_262_400_000


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Return ten minutes of BTC with a fall at the end."""
    rows = tuple(
        (NOON + i * 5_000, 97_400.0 - i, 97_600.0 - i, 97_500.0 - i + i % 3 * 30) for i in range(120)
    )
    bars = tuple((NOON + i * 5_000, i * 1_000_00, (119 - i) * 2_000_00) for i in range(0, 120, 2))
    return Picture(
        title="BTC  liquidations", subtitle="30 s · longs · 212 liquidations", sources="binance, okx",
        footer="5 s bars · 10 min · UTC", from_ms=NOON, to_ms=NOON + 600_000, bucket_ms=5_000, price=rows, bars=bars,
        up="shorts", down="longs", shade_from_ms=NOON + 570_000, shade_to_ms=NOON + 600_000,
        callout="storm at least $18.3M", callout_up=False,
    )  # fmt: skip
