"""The program: ports, ledger, Bot API, clean end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30


@pytest.fixture
def program():
    """Return a starter of the simulator; what it started is ended."""
    started = []

    def start(*arguments):
        """Start it and return the process."""
        command = [sys.executable, "-m", "simulator", *arguments]
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE_S)


def read_urls(process, last):
    """Return the settings that the program prints, up to the one named `last`."""
    urls = {}
    while last not in urls:
        name, _, url = process.stdout.readline().strip().partition("=")
        assert name, process.stderr.read()
        urls[name] = url
    return urls


def test_program_prints_settings_serves_and_ends_cleanly(program, tmp_path):
    """It prints base URLs, writes them as JSON, serves the Bot API too, and SIGTERM ends it with a summary."""
    ports = tmp_path / "ports.json"
    token = "1:simulated"
    process = program("--scenario", "quiet", "--ports-file", str(ports), "--token", token, "--chat", "channel:-1001")
    urls = read_urls(process, "TELEGRAM_API_BASE_URL")
    assert httpx.get(urls["BINANCE_REST_URL"] + "/fapi/v1/time").status_code == 200
    assert httpx.get(urls["TELEGRAM_API_BASE_URL"] + f"/bot{token}/getMe").json()["ok"]
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert re.search(r"SIMULATED market, scenario quiet, seed 1: .* trades", told)
    assert json.loads(ports.read_text()) == urls
    assert "Traceback" not in told


def test_numbered_scenario_writes_its_ledger(program, tmp_path):
    """Each storm's two rows are in the ledger, exact to the cent, when the time is up."""
    ledger = tmp_path / "truth.jsonl"
    process = program("--scenario", "numbered", "--truth", str(ledger), "--speed", "20", "--duration", "1")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    rows = [json.loads(line) for line in ledger.read_text().splitlines()]
    storms = {}
    for row in rows:
        storms.setdefault(row["number"], []).append(Decimal(row["usd"]))
    complete = {number: usd for number, usd in storms.items() if len(usd) == 2}
    assert len(complete) >= 5
    assert all(sum(usd) == 600_000 + Decimal(number) / 100 for number, usd in complete.items())
    assert {row["readers"] for row in rows} == {0}


@pytest.mark.parametrize(
    "arguments",
    [("--scenario", "nosuch"), ("--coinglass-key", "key"), ("--coinglass-key", "key=GOLD"), ("--port", "X=1"),
     ("--faults", "/nosuch.json")],
)  # fmt: skip
def test_wrong_arguments_are_refused(program, arguments):
    """The line names the option."""
    process = program(*arguments)
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert arguments[0] in told
