"""`make demo`: the simulated market and the real alert process side by side, for about 75 seconds.

Both are the programs that anybody runs; the demo only starts them, shows what they print,
and adds up at the end. No key, no token, no network beyond loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.patterns import PATTERNS, make
from simulator.patterns.long_views import TRADES_MS, long_views
from simulator.tape import write

_TRUTH = "truth.json"
_PATIENCE_S = 20.0
_LEFT_S = 60.0
_ALERTS = (sys.executable, "-m", "ws_alert.alert_runner")
_KINDS = (
    "large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster", "global_radar", "market_cascade",
    "stop_hunt", "order_flow", "whale_accumulation_window", "volume_spike", "funding_extreme", "oi_divergence",
)  # fmt: skip


def demo(
    seed: Annotated[int, typer.Option(help="Another seed is another market.")] = 1,
    seconds: Annotated[
        float | None, typer.Option(help="How long to watch; 72, or as long as the pattern goes on.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where charts, journal and database go.")] = Path(
        "demo-output"
    ),
    scenario: Annotated[
        str, typer.Option(help=f"demo, or one kind alone with its ground truth: {', '.join(PATTERNS)}.")
    ] = "demo",
) -> None:
    """Watch storms arrive in a simulated market, as a reader of the channel would see them."""
    if scenario not in {"demo", *PATTERNS}:
        raise typer.BadParameter(f"--scenario: demo or one of {', '.join(PATTERNS)}")
    if seconds is None:
        seconds = 72.0 if scenario == "demo" else make(scenario, seed).length_ms / 1000
    # Lines to a pipe or a file keep their order with those of the alert process.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    console.print(
        Text.assemble(
            ("TELEGLAS demo, market SIMULATED\n", "bold"),
            f"A made-up market (seed {seed}) speaks like Binance, Bybit and OKX on this machine.\n",
            "The alert process is the real one; a chat would get what it prints.\n",
            f"{_promise(scenario, folder)},\na summary after {seconds + 3:.0f}. Ctrl-C ends it earlier.\n",
        )
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as aside:
        if scenario == "demo":
            console.print(Text(_live_before(seed, folder, Path(aside))))
        ports = Path(aside) / "ports.json"
        market = _start_market(scenario, seed, seconds, ports, folder)
        try:
            urls = _wait_for(ports, market)
            code = _watch(urls, folder, seconds, market)
            printed = _printed(urls)
        finally:
            _end(market)
    _sum_up(console, folder, printed)
    raise typer.Exit(code)


def _promise(scenario: str, folder: Path) -> str:
    if scenario == "demo":
        return "Funding and open interest come first, storms after 20 seconds"
    return f"What must be told of {scenario}, and what must not, is in {folder / _TRUTH}"


def _live_before(seed: int, folder: Path, aside: Path) -> str:
    """Let the alert process learn the hours before the market opens; return what is to be said of it."""
    pattern = long_views(seed)
    files = write(pattern, aside / "past", round(time.time() * 1000), past=True)
    del files["truth"]
    command = [
        *_ALERTS,
        "learn",
        *(text for option, path in files.items() for text in (f"--{option}", str(path))),
    ]
    done = subprocess.run(  # noqa: S603 - our own program
        command, env=_environment(folder), cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise typer.BadParameter(f"the past could not be learned: {done.stderr}")
    hours, minutes = divmod(TRADES_MS // 60_000, 60)
    traded = next(case.asset for case in pattern.cases if case.kind == "volume_spike")
    split = next(case.asset for case in pattern.cases if case.kind == "oi_divergence")
    return (
        f"{hours} h {minutes} min of quiet trades of {traded} and half an hour of {split}'s open\n"
        "interest, made up too, were lived through beforehand, so that a volume spike\n"
        "and an OI divergence have something to stand out from.\n"
    )


def _start_market(
    scenario: str, seed: int, seconds: float, ports: Path, folder: Path
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "simulator", "--scenario", scenario, "--seed", str(seed)]
    if scenario in PATTERNS:
        command += ["--ground-truth", str(folder / _TRUTH)]
    # It ends by itself, should nobody be left to end it; Ctrl-C is for the alert process first.
    command += ["--ports-file", str(ports), "--duration", str(seconds + _LEFT_S)]
    return subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def _wait_for(ports: Path, market: subprocess.Popen[bytes]) -> dict[str, str]:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and market.poll() is None:
        if ports.is_file():
            found: dict[str, str] = json.loads(ports.read_text(encoding="utf-8"))
            return found
        time.sleep(0.05)
    told = market.stderr.read().decode() if market.stderr and market.poll() is not None else "it is too slow"
    raise typer.BadParameter(f"the simulator did not start: {told}")


def _watch(urls: dict[str, str], folder: Path, seconds: float, market: subprocess.Popen[bytes]) -> int:
    """Run the alert process for so long beside the market, which stays open; return its exit code."""
    environment = _environment(folder) | {
        name: url
        for name, url in urls.items()
        if name.split("_")[0] in {"BINANCE", "BYBIT", "OKX", "HYPERLIQUID"}
    }
    command = [*_ALERTS, "run", "--summary", str((folder / "summary.json").resolve())]
    # In a folder of its own the process finds no `.env`: the demo shows the defaults.
    alerts = subprocess.Popen(command, env=environment, cwd=folder)  # noqa: S603 - our own program
    until = time.monotonic() + seconds
    try:
        with suppress(KeyboardInterrupt):
            while time.monotonic() < until and market.poll() is None and alerts.poll() is None:
                time.sleep(0.2)
        if alerts.poll() is None:
            alerts.send_signal(signal.SIGTERM)
        return alerts.wait(timeout=_PATIENCE_S)
    finally:
        _end(alerts)


def _environment(folder: Path) -> dict[str, str]:
    """Return the settings of the alert process: the defaults, with everything that it writes in this folder."""
    environment = {name: value for name, value in os.environ.items() if not _is_a_setting(name)}
    return environment | {
        "SIMULATED": "true",
        "SOURCE_MODE": "public",
        "DATABASE_URL": f"sqlite:///{(folder / 'teleglas.db').resolve()}",
        "JOURNAL_DIR": str((folder / "journal").resolve()),
        "CHARTS_DIR": str((folder / "charts").resolve()),
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    }


def _is_a_setting(name: str) -> bool:
    """Return whether a variable of the person's own environment could change what the demo shows."""
    own = (
        "TELEGRAM_",
        "COINGLASS_",
        "THRESHOLDS__",
        "COOLDOWN__",
        "GROUPS__",
        "RADAR__",
        "TELEGLAS_CONFIG",
        "WATCH",
    )
    return name.startswith(own)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()


def _printed(urls: dict[str, str]) -> str:
    """Return what the simulated market says that it printed."""
    try:
        told = httpx.get(f"{urls['SIMULATOR_CONTROL_URL']}/__summary", timeout=5).json()
    except httpx.HTTPError:
        return "it has closed"
    events, venues = told["events"], told["venues"].values()
    return (
        f"{events.get('Trade', 0):,} trades and {events.get('Printed', 0):,} forced orders"
        f" in {sum(venue['frames'] for venue in venues):,} frames, {told['seconds']:.0f} s"
    )


def _sum_up(console: Console, folder: Path, printed: str) -> None:
    path = folder / "summary.json"
    if not path.is_file():
        console.print(
            Text("The alert process ended without a summary; see its last lines above.", "bold red")
        )
        return
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    table = Table(title="What happened (SIMULATED)", show_header=False, title_justify="left")
    table.add_row("market printed", printed)
    table.add_row("inputs", f"{report['inputs']:,} frames, REST bodies, notices and timers")
    table.add_row("rows skipped", _counts(report["refused"]))
    table.add_row("alerts by kind", _counts({kind: report["alerts"].get(kind, 0) for kind in _KINDS}))
    table.add_row("verdicts by reason", _by_action(report["verdicts"]))
    table.add_row(
        "delivered",
        f"{report['sent']} messages, {report['pictures']} pictures added to them, {report['edited']} edits,"
        f" {report['waiting']} waiting",
    )
    table.add_row(
        "frame to decision", f"p50 {report['decision_ms_p50']} ms, p99 {report['decision_ms_p99']} ms"
    )
    table.add_row(
        "release to delivery", f"p50 {report['request_ms_p50']} ms, p99 {report['request_ms_p99']} ms"
    )
    charts = sorted((folder / "charts").glob("*.png"))
    table.add_row("charts", f"{len(charts)} in {folder / 'charts'}")
    # Told means confirmed by the channel; what waits is told at the next start.
    untold = sum(report["alerts"].values()) - report["sent"] - report["waiting"]
    lost = report["lost"] + max(0, untold)
    table.add_row("lost", Text(f"lost {lost}", "bold green" if not lost else "bold red"))
    console.print(table)
    console.print("Next, the real markets: .venv/bin/python -m ws_alert.alert_runner")


def _by_action(verdicts: dict[str, int]) -> str:
    """Write one line for each action with its reasons, the most frequent first."""
    lines: dict[str, list[str]] = {"send": [], "edit": [], "hold": [], "fold": [], "drop": []}
    for verdict, count in sorted(verdicts.items(), key=lambda each: -each[1]):
        action, _, reason = verdict.partition(" ")
        lines[action].append(f"{reason} {count}")
    return (
        "\n".join(f"{action}: {', '.join(reasons)}" for action, reasons in lines.items() if reasons) or "none"
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


if __name__ == "__main__":
    typer.run(demo)
