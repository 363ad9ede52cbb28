"""The hot path compiled by mypyc: what it decides, when it is used, and what it cannot hold."""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from teleglas import __version__
from teleglas.market import Instrument
from ws_alert import compiled, compiler, doctor
from ws_alert.messages import Frame, RecordKind
from ws_alert.rules import Rules
from ws_alert.sources.journal import JournalWriter
from ws_alert.sources.journal_header import Context

ROOT = Path(__file__).resolve().parents[1]
START_MS = 1_790_000_000_000
COINS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "PEPE")
PRICES = {"BTC": 97_000.0, "ETH": 3_300.0, "SOL": 240.0, "XRP": 1.4, "DOGE": 0.4, "PEPE": 0.02}
TESTS = [
    f"tests/{name}.py"
    for name in (
        "sources/test_journal", "venues/test_binance_codec", "venues/test_bybit_codec", "venues/test_okx_codec",
        "venues/test_codec_batches", "windows/test_second_tape",
    )
]  # fmt: skip
INTERPRETED = "import sys; from ws_alert.alert_runner import main; sys.exit(main())"


@pytest.fixture(scope="session")
def built() -> None:
    """Compile this very code, as `make setup` does; skip where the machine lacks what it takes."""
    if lacking := compiler.missing():
        pytest.skip(lacking)
    done = subprocess.run(
        [sys.executable, "-m", "ws_alert.compiler"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def frames(count: int, seed: int) -> list[tuple[int, str, bytes]]:
    """Return a wild market of three venues: (received ms, venue, frame); some late, some twice, some broken."""
    rng, now, found = random.Random(seed), START_MS, list[tuple[int, str, bytes]]()  # noqa: S311 - no secret
    for number in range(1, count + 1):
        now += rng.choice((0, 3, 20, 60, 400 if rng.random() < 0.02 else 1))
        coin, venue = rng.choice(COINS), rng.choice(("binance", "binance", "bybit", "okx"))
        price = PRICES[coin] = PRICES[coin] * rng.choice((0.999, 1.0, 1.0, 1.001))
        usd = rng.choice((500, 5_000, 60_000, rng.choice((300_000, 1_200_000, 40_000_000))))
        amount, side, at = usd / price, rng.random() < 0.5, now - rng.choice((0, 5, 80, 900, 3_000))
        if rng.random() < 0.02:
            row: object = rng.choice(({"data": {"e": "aggTrade", "p": "-1"}}, [1], {"topic": "x"}, "pong"))
        elif venue == "binance" and rng.random() < 0.3:
            order = {"s": f"{coin}USDT", "S": "SELL" if side else "BUY", "q": f"{amount:.6f}", "p": f"{price:.8f}",
                     "ap": f"{price:.8f}", "z": f"{amount:.6f}", "T": at, "X": "FILLED"}  # fmt: skip
            row = {"stream": "!forceOrder@arr", "data": {"e": "forceOrder", "E": now, "o": order}}
        elif venue == "binance":
            trade = {"e": "aggTrade", "E": now, "a": number - rng.choice((0, 0, 0, 0, 9)), "s": f"{coin}USDT",
                     "p": f"{price:.8f}", "q": f"{amount:.6f}", "f": 1, "l": 2, "T": at, "m": side}  # fmt: skip
            row = {"stream": f"{coin.lower()}usdt@aggTrade", "data": trade}
        elif venue == "bybit":
            word, topic = ("Sell" if side else "Buy"), rng.choice(("publicTrade", "allLiquidation"))
            each = {"T": at, "s": f"{coin}USDT", "S": word, "v": f"{amount:.6f}", "p": f"{price:.8f}", "i": f"t{number}",
                    "seq": number, "BT": False}  # fmt: skip
            row = {"topic": f"{topic}.{coin}USDT", "type": "snapshot", "ts": now, "data": [each]}
        else:
            each = {"instId": f"{coin}-USDT-SWAP", "tradeId": str(number), "px": f"{price:.8f}", "sz": f"{amount:.6f}",
                    "side": "sell" if side else "buy", "ts": str(at)}  # fmt: skip
            row = {"arg": {"channel": "trades", "instId": each["instId"]}, "data": [each]}
        found.append((now, venue, msgspec.json.encode(row)))
    return found


def journal(folder: Path, rows: list[tuple[int, str, bytes]]) -> Path:
    """Write a journal as the program writes it."""
    tables = {
        venue: tuple(
            Instrument(venue=venue, symbol=f"{coin}-USDT-SWAP" if venue == "okx" else f"{coin}USDT", asset=coin)
            for coin in COINS
        )
        for venue in ("binance", "bybit", "okx")
    }  # fmt: skip
    header = msgspec.json.encode(
        Context(__version__, msgspec.Raw(Rules().model_dump_json().encode()), tables)
    )
    with JournalWriter(folder, header=lambda: header) as opened:
        for received_ms, venue, payload in rows:
            opened.extend([Frame(RecordKind.FRAME, venue, payload)], received_ms)
        opened.write()
    return folder


def replayed(how: list[str], options: list[str], folder: Path) -> tuple[bytes, bytes]:
    """Return the verdicts and the findings of a replay in a process of its own."""
    out, findings = folder / "verdicts", folder / "findings"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *how, "replay", *options, "--out", str(out), "--findings", str(findings)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return out.read_bytes(), findings.read_bytes()


def _said(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("built")
class TestCompiled:
    """With what `make setup` builds."""

    def test_decides_what_the_interpreted_one_decides(self, tmp_path):
        """Byte for byte, over frames of three venues of which many fire, come late, twice, or broken."""
        options = [str(journal(tmp_path / "journal", frames(12_000, seed=20261122)))]
        quick = replayed(["-m", "ws_alert.alert_runner"], options, tmp_path)
        slow = replayed(["-c", INTERPRETED], options, tmp_path)
        assert quick == slow
        kinds = {msgspec.json.decode(line)["kind"] for line in quick[1].splitlines()}
        assert {"large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster", "global_radar"} <= kinds

    def test_passes_the_tests_of_what_was_compiled(self):
        """Recorded frames, bad rows, damaged journals and sums to the cent, in a process that has it compiled."""
        done = subprocess.run(  # noqa: S603 - our own tests
            [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", *TESTS],
            cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "TELEGLAS_COMPILED": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]

    def test_is_used_by_the_program_only_as_it_was_compiled(self, tmp_path):
        """A copy of this code finds it; the copy with one comment more is interpreted."""
        for package in ("teleglas", "ws_alert"):
            shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
        ask = [sys.executable, "-c", "from ws_alert import compiled; print(compiled.use(), compiled.in_use())"]
        told = _said(ask, tmp_path)
        assert told.split() == ["True", "True"]
        with (tmp_path / "ws_alert" / "facts.py").open("a", encoding="utf-8") as file:
            file.write("# edited\n")
        told = _said(ask, tmp_path)
        assert told.split() == ["False", "False"]

    def test_does_not_join_modules_that_are_loaded(self):
        """Compiled and interpreted ones do not mix: a process that loaded one of them stays as it is."""
        assert compiled.MODULES[-1] in sys.modules
        assert compiled.use() is False


def test_what_is_missing_is_named(monkeypatch, capsys, tmp_path):
    """Without a compiler `make setup` says what to type, and goes on."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiler.main() == 0
    assert "sudo apt install gcc python3-dev" in capsys.readouterr().err


def test_what_is_compiled_defines_no_types_of_msgspec():
    """Without a word mypyc drops the options of such a class (`frozen`, `gc`, `tag`)."""
    for name in compiled.MODULES:
        tree = ast.parse((ROOT / f"{name.replace('.', os.sep)}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                assert not node.keywords, f"{name}.{node.name}"
                assert not any("Struct" in ast.unparse(base) for base in node.bases), f"{name}.{node.name}"


def test_a_failure_to_compile_is_said(monkeypatch, capsys, tmp_path):
    """It ends with 1, and says that the program runs all the same."""

    def fails(_place):
        raise SystemExit("no space left")

    monkeypatch.setattr(compiler, "missing", str)
    monkeypatch.setattr(compiler, "folder", lambda: tmp_path / "nothing")
    monkeypatch.setattr(compiler, "_build", fails)
    assert compiler.main() == 1
    assert "stays interpreted: SystemExit('no space left')" in capsys.readouterr().err


def test_doctor_says_which_of_the_two_runs():
    """With what to type where it is not the compiled one."""
    line = doctor.hot_path()
    assert line.found.startswith("compiled" if compiled.in_use() else "interpreted")
    assert compiled.in_use() or line.todo
