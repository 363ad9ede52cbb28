"""A million random histories of every detector against its slow definition.

    python -m tests.reference.million --kind stop_hunt --histories 1000000 --seed 1

Kinds of one family are judged on the same histories, all of them at each. Prints what was reached; at
the first difference the seed, the shortest history that shows it, and both answers (exit status 1).
"""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import Pool

from tests.reference.million.drive import Difference, Tally, compared
from tests.reference.million.families import FAMILIES, KINDS


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _share(task: tuple[str, int, int]) -> tuple[Tally, str]:
    family, seed, histories = task
    tally = Tally()
    try:
        compared(FAMILIES[family](), seed, histories, tally, _tell)
    except Difference as difference:
        return tally, str(difference)
    return tally, ""


def main() -> int:
    """Run, print, and return the exit status."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--kind", choices=sorted({*KINDS, *FAMILIES}), required=True)
    options.add_argument("--histories", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--workers", type=int, default=1, help="processes; each takes a seed of its own")
    chosen = options.parse_args()
    family = KINDS.get(chosen.kind, chosen.kind)
    tasks = [(family, chosen.seed + n, -(-chosen.histories // chosen.workers)) for n in range(chosen.workers)]
    started = time.monotonic()
    if chosen.workers == 1:
        found = [_share(tasks[0])]
    else:
        with Pool(chosen.workers) as pool:
            found = pool.map(_share, tasks)
    whole = Tally()
    for tally, _ in found:
        whole.histories += tally.histories
        whole.reached.update(tally.reached)
    wrong = [text for _, text in found if text]
    _tell(f"{family} ({chosen.kind}), seed {chosen.seed}: {whole.histories:,} histories in "
          f"{time.monotonic() - started:,.0f} s, {len(wrong)} differ")  # fmt: skip
    _tell("\n".join([*whole.lines(), *wrong]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
