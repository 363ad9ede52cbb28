"""The Bot API simulator in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["TOKEN", "ledger", "running"]

TOKEN = "1:benchmark"  # noqa: S105 - the simulator's


def ledger(folder: Path) -> Path:
    """Return where it notes what it accepted, one JSON object a line."""
    return folder / "ledger"


@contextmanager
def running(folder: Path, chat: str) -> Iterator[str]:
    """Run it for the time of the block, with one private chat; yields its URL."""
    command = [sys.executable, "-m", "simulator.bot_api", "--token", TOKEN]
    command += ["--chat", f"private:{chat}", "--ledger", str(ledger(folder))]
    root = Path(__file__).resolve().parents[1]
    api = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)  # noqa: S603 - ours
    try:
        assert api.stdout is not None
        yield api.stdout.readline().strip()
    finally:
        api.terminate()
        api.wait()
