"""The runner ends as asked, refuses by name, and tells systemd the truth."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teleglas.errors import AlreadyRunning
from teleglas.locks import lock_token, runtime_folder
from teleglas.storage.opening import lock_store
from teleglas.systemd import Notifier
from ws_alert.alert_runner import main, spread

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "123456789:AAcanaryRunnerTokenabcdefghijklmnopq"
MODULE = ["-m", "ws_alert.alert_runner"]
SCRIPT = [str(ROOT / "ws_alert" / "alert_runner.py")]

SERVICE = """
import asyncio, os, sys, threading
from teleglas.systemd import Notifier
from ws_alert.service import serve

async def works(stop, ready, alive):
    frozen = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: (sys.stdin.readline(), frozen.set()))
    ready()
    while not stop.is_set():
        if not frozen.is_set():
            alive()
        with_timeout = asyncio.wait_for(stop.wait(), 0.02)
        try:
            await with_timeout
        except TimeoutError:
            pass
    print("stopped", flush=True)

async def hangs(stop, ready, alive):
    ready()
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def hangs_in_a_thread(stop, ready, alive):
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    ready()
    await stop.wait()

async def fails(stop, ready, alive):
    raise RuntimeError("broken")

async def ends(stop, ready, alive):
    pass

asyncio.run(serve(globals()[sys.argv[1]], Notifier.from_environment()))
"""


def _environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "RUNTIME_DIRECTORY": str(folder / "run"),
        **more,
    }


@contextlib.contextmanager
def _manager(folder: Path) -> Iterator[socket.socket]:
    """Listen as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(folder / "notify"))
        channel.settimeout(20)
        yield channel


@contextlib.contextmanager
def _service(folder: Path, which: str, watchdog_s: float = 0.4) -> Iterator[subprocess.Popen[str]]:
    environment = _environment(
        folder, NOTIFY_SOCKET=str(folder / "notify"), WATCHDOG_USEC=str(round(watchdog_s * 1e6))
    )
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SERVICE, which],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _until(channel: socket.socket, wanted: bytes) -> None:
    while channel.recv(256) != wanted:
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_code_0(tmp_path, number):
    """READY, WATCHDOG while it works, STOPPING at the signal, then the end within five seconds."""
    with _manager(tmp_path) as channel, _service(tmp_path, "works") as process:
        assert channel.recv(256) == b"READY=1" or _until(channel, b"READY=1") is None
        for _ in range(3):
            _until(channel, b"WATCHDOG=1")
        process.send_signal(number)
        _until(channel, b"STOPPING=1")
        assert process.wait(timeout=5) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "stopped\n"


def test_a_frozen_engine_stops_the_watchdog(tmp_path):
    """The loop still turns, but the pipeline does not say that it is alive: systemd hears nothing."""
    with _manager(tmp_path) as channel, _service(tmp_path, "works") as process:
        for _ in range(3):
            _until(channel, b"WATCHDOG=1")
        assert process.stdin is not None
        process.stdin.write("freeze\n")
        process.stdin.flush()
        channel.settimeout(1.2)
        late = 0
        with contextlib.suppress(TimeoutError):
            while late < 50:
                assert channel.recv(256) == b"WATCHDOG=1"
                late += 1
        assert late <= 3
        assert process.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize("which", ["hangs", "hangs_in_a_thread"])
def test_what_hangs_is_left_behind(tmp_path, which):
    """A pipeline or a thread that never ends does not keep the process longer than five seconds."""
    with _manager(tmp_path) as channel, _service(tmp_path, which) as process:
        _until(channel, b"READY=1")
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - started < 5.5


@pytest.mark.parametrize(("which", "said"), [("fails", "broken"), ("ends", "ended by itself")])
def test_a_pipeline_that_ends_unasked_is_a_failure(tmp_path, which, said):
    """The exit code makes systemd start it anew."""
    with _manager(tmp_path), _service(tmp_path, which) as process:
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 1
        assert said in errors


def test_without_a_manager_nothing_is_sent():
    """Outside systemd, and for another process's watchdog, the notifier is silent."""
    silent = Notifier.from_environment({})
    silent.ready()
    silent.alive()
    silent.status("nobody listens")
    assert silent.watchdog_s is None
    assert Notifier.from_environment({"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}).watchdog_s is None
    assert Notifier.from_environment({"WATCHDOG_USEC": "2000000"}).watchdog_s == 2
    Notifier("/nonexistent/socket").ready()


def test_an_abstract_socket_is_reached():
    """Containers pass NOTIFY_SOCKET=@name."""
    name = f"teleglas-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name)
        channel.settimeout(10)
        Notifier("@" + name).status("two\nlines")
        assert channel.recv(256) == b"STATUS=two lines"


def _run(folder: Path, arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments],
        cwd=folder, env=_environment(folder, **environment), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", [MODULE, SCRIPT, [*MODULE, "run"]], ids=["module", "script", "run"])
def test_a_wrong_setting_ends_with_78_and_one_line(tmp_path, command):
    """However it is started; the line names the setting and the remedy, never the value."""
    done = _run(tmp_path, command, TELEGRAM_ALERT_TOKEN="PASTE_TOKEN_HERE")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (78, "", 1)
    assert done.stderr.startswith("TELEGRAM_ALERT_TOKEN: this is a placeholder, not a token. Put")


def test_equal_tokens_are_refused(tmp_path):
    """Two processes on one token would steal each other's updates."""
    done = _run(tmp_path, MODULE, TELEGRAM_ALERT_TOKEN=TOKEN, TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_CHAT_ID="1")
    assert done.returncode == 78
    assert TOKEN not in done.stderr


def test_a_log_file_that_cannot_be_written_is_a_wrong_setting(tmp_path):
    """It is named instead of logging into nothing."""
    done = _run(tmp_path, MODULE, LOG_FILE=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert done.stderr.startswith("LOG_FILE: ")


@pytest.mark.parametrize("setting", ["JOURNAL_DIR", "DATABASE_URL"])
def test_a_place_that_cannot_be_written_is_a_wrong_setting(tmp_path, setting):
    """Without it nothing would survive a restart; it is one line, not a traceback."""
    (tmp_path / "file").touch()
    place = f"{tmp_path}/file/below"
    done = _run(tmp_path, MODULE, **{setting: f"sqlite:///{place}" if setting == "DATABASE_URL" else place})
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert done.stderr.startswith(f"{setting}: ")


def test_a_second_instance_on_one_token_is_refused(tmp_path):
    """The lock's file shows no token, and dies with its holder."""
    with lock_token(TOKEN, setting="TELEGRAM_ALERT_TOKEN", folder=tmp_path / "run"):
        done = _run(tmp_path, MODULE, TELEGRAM_ALERT_TOKEN=TOKEN, TELEGRAM_CHAT_ID="1")
        names = [path.name for path in (tmp_path / "run").iterdir()]
    assert (done.returncode, done.stderr.count("\n")) == (75, 1)
    assert "another TELEGLAS process on this machine uses this token" in done.stderr
    assert not any(TOKEN in name or TOKEN.split(":")[1] in name for name in names)
    assert TOKEN not in done.stderr
    lock_token(TOKEN, setting="TELEGRAM_ALERT_TOKEN", folder=tmp_path / "run").release()


def test_a_second_instance_on_one_database_is_refused(tmp_path):
    """Two engines on one outbox would send everything twice."""
    (tmp_path / "data").mkdir()
    lock = lock_store(f"sqlite:///{tmp_path}/data/teleglas.db")
    try:
        done = _run(tmp_path, MODULE)
    finally:
        lock.release()
    assert (done.returncode, done.stderr.count("\n")) == (75, 1)
    assert "uses the database" in done.stderr


def test_locks_live_where_the_manager_says(tmp_path, monkeypatch):
    """The folder of systemd first, then the user's, then one of the user's own under /tmp."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}/a:{tmp_path}/b")
    assert runtime_folder() == tmp_path / "a"
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_folder() == tmp_path / "teleglas"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert str(os.getuid()) in runtime_folder().name


def test_a_lock_is_held_against_the_same_process_too(tmp_path):
    """`flock` belongs to the open file, so a slip within one program is found as well."""
    with lock_token(TOKEN, setting="X", folder=tmp_path), pytest.raises(AlreadyRunning):
        lock_token(TOKEN, setting="X", folder=tmp_path)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("replay j --out o", "replay j --out o"),
        ("replay --trades a.csv b.csv.gz --out o", "replay --trades a.csv --trades b.csv.gz --out o"),
        ("replay --liquidations x y.CSV j", "replay --liquidations x --liquidations y.CSV j"),
        ("replay --trades a.csv j b.csv", "replay --trades a.csv j b.csv"),
        ("replay --trades a.csv --liquidations b.csv c.csv", "replay --trades a.csv --liquidations b.csv --liquidations c.csv"),
        ("replay --out o.csv p.csv", "replay --out o.csv p.csv"),
        ("--trades", "--trades"),
        ("", ""),
    ],
)  # fmt: skip
def test_several_files_may_follow_one_option(given, meant):
    """`--trades a.csv b.csv` means both."""
    assert spread(given.split()) == meant.split()


CSV = "ts_ms,exchange,symbol,side,price,qty,usd\n"


def test_replay_writes_decisions(tmp_path, capsys, monkeypatch):
    """A storm on a tape is found, by the thresholds of the environment, and the counts are told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THRESHOLDS__LIQUIDATION_STORM__MAJORS_USD", "50000")
    rows = "".join(f"{1_700_000_000_000 + n * 1000},binance,BTCUSDT,long,100,400,40000\n" for n in range(3))
    (tmp_path / "tape.csv").write_text(CSV + rows)
    arguments = ["replay", "--liquidations", "tape.csv", "--out", "out.jsonl", "--findings", "found.jsonl"]
    assert main(arguments) == 0
    assert '"liquidation_storm"' in (tmp_path / "out.jsonl").read_text()
    assert '"start"' in (tmp_path / "found.jsonl").read_text()
    assert "inputs: 3" in capsys.readouterr().out


def test_replay_takes_funding_and_open_interest(tmp_path, capsys, monkeypatch):
    """Plain and packed, with a venue of their own or named with it, several after one option."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THRESHOLDS__FUNDING_EXTREME__PERCENT", "0.05")
    start = 1_790_000_000_000
    own = f"ts_ms,exchange,symbol,rate,interval_h\n{start},okx,BTC-USDT-SWAP,0.0005,8\n"
    (tmp_path / "rates.csv").write_text(own)
    named = f"ts_ms,coin,funding_rate,interval_h\n{start + 1},ETH,-0.0005,8\n"
    (tmp_path / "more.csv.gz").write_bytes(gzip.compress(named.encode()))
    (tmp_path / "held.csv").write_text(f"ts_ms,exchange,symbol,oi_usd\n{start},okx,BTC-USDT-SWAP,9000\n")
    files = ["--funding", "rates.csv", "kraken=more.csv.gz", "--open-interest", "held.csv"]
    assert main(["replay", *files, "--out", "out.jsonl"]) == 0
    said = capsys.readouterr().out
    assert "episodes: funding_extreme end 2, funding_extreme start 2" in said
    assert "inputs: 3 over" in said
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    sent = [(row["asset"], row["direction"]) for row in lines if row["action"] == "send"]
    assert sent == [("BTC", "long"), ("ETH", "short")]
    (tmp_path / "held.csv").write_text("ts_ms,exchange,symbol,oi_usd\n5,okx,BTC,lots\n")
    assert main(["replay", *files, "--out", "out.jsonl"]) == 65
    assert capsys.readouterr().err == "held.csv, line 2: could not convert string to float: 'lots'\n"


def test_an_unreadable_replay_file_ends_with_65(tmp_path):
    """File, line and reason, on one line."""
    (tmp_path / "tape.csv").write_text(CSV + "1,binance,BTCUSDT\n")
    done = _run(tmp_path, [*MODULE, "replay", "--trades", "tape.csv", "--out", "out"])
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert "tape.csv, line 2" in done.stderr


@pytest.mark.parametrize(
    "outputs", [["tape.csv"], ["./link.csv"], ["out", "--findings", "tape.csv"], ["out", "--findings", "./out"]]
)
def test_a_replay_destroys_none_of_its_files(tmp_path, monkeypatch, capsys, outputs):
    """An output that is an input too, or both outputs in one, are refused before anything is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tape.csv").write_text(CSV)
    (tmp_path / "link.csv").symlink_to("tape.csv")
    assert main(["replay", "--trades", "tape.csv", "--out", *outputs]) == 73
    assert "is named twice" in capsys.readouterr().err
    assert (tmp_path / "tape.csv").read_text() == CSV
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_ends_with_73(tmp_path):
    """The file and the reason, on one line, before anything is replayed."""
    (tmp_path / "tape.csv").write_text(CSV)
    done = _run(tmp_path, [*MODULE, "replay", "--trades", "tape.csv", "--out", "nowhere/out"])
    assert (done.returncode, done.stderr.count("\n")) == (73, 1)
    assert "nowhere/out" in done.stderr
    assert "No such file" in done.stderr


def test_wrong_usage_and_help(capsys):
    """A slip on the command line is explained and ends with 2, as shells expect."""
    assert main(["replay", "--out", "x"]) == 2
    assert main(["nonsense"]) == 2
    assert main(["--help"]) == 0
    assert "doctor" in capsys.readouterr().out
    assert asyncio.iscoroutinefunction(main) is False
