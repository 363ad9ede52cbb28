"""A simulated world that stands still until a test moves it."""

from __future__ import annotations

import pytest

from simulator.world import World

START_MS = 1_790_000_000_000


@pytest.fixture
async def world():
    """Return a busy world at a fixed date; `advance` moves it."""
    async with World(scenario="storm", seed=7, speed=0, start_ms=START_MS) as running:
        yield running
