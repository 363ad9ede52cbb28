"""The simulated venues with numbered storms at a pace that Telegram's limits can carry.

Prints the base URLs as one line of JSON and serves until SIGTERM. Arguments: the file for the
ledger of what was printed, the seed.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

from simulator.scenarios import SCENARIOS, Numbered
from simulator.world import World

STORMS = Numbered(first_s=2.0, every_s=1.5, gap_s=1.2, coins=900)


async def _serve(truth: Path, seed: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    scenario = replace(SCENARIOS["numbered"], numbered=STORMS)
    async with World(scenario=scenario, seed=seed, truth=truth) as world:
        sys.stdout.write(json.dumps(world.urls) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
