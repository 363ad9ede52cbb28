"""The demo as a newcomer starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FEEDS = {
    f"{venue} {family}: live"
    for venue in ("binance", "bybit", "okx")
    for family in ("liquidations", "trades")
}
PATIENCE_S = 90


@pytest.fixture
def demo(tmp_path):
    """Return a starter of the demo, in a session of its own as a terminal gives it one."""
    started = []

    def start(*arguments):
        """Start it; what it prints to both streams is its stdout."""
        # A person's own settings, however wrong, do not reach the demo.
        surroundings = {
            **os.environ,
            "TELEGRAM_ALERT_TOKEN": "placeholder",
            "THRESHOLDS__WHALE_TRADE__MAJORS_USD": "1",
        }
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "simulator.demo", "--folder", str(tmp_path / "demo"), *arguments],
            cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)


def _lines_until(process, wanted):
    """Return what is printed until each of these texts has been the end of a line."""
    lines, missing = [], set(wanted)
    while missing:
        line = process.stdout.readline()
        assert line, lines
        lines.append(line.rstrip())
        missing = {text for text in missing if not lines[-1].endswith(text)}
    return lines


def test_feeds_come_up_and_the_sum_is_told(demo):
    """Every feed is live, no feed is told as lost at the end, and no alert is."""
    told, _ = demo("--seconds", "6").communicate(timeout=PATIENCE_S)
    assert "SIMULATED" in told.splitlines()[0]
    for feed in FEEDS:
        assert feed in told
    assert "6 h 30 min of quiet trades" in told
    assert "lost 0" in told
    for bad in ("connection was closed", "Traceback", "ended without"):
        assert bad not in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_early_when_asked(demo, number):
    """Ctrl-C in its terminal, or SIGTERM, ends both processes, still with the summary."""
    process = demo()
    _lines_until(process, FEEDS)
    os.killpg(process.pid, number)
    told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "lost 0" in told
    for bad in ("connection was closed", "Traceback"):
        assert bad not in told
