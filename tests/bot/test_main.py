"""`python main.py` as a person starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def start(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start the command bot in an empty folder; it must end by itself."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, str(ROOT / "main.py"), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own


def test_help_needs_no_settings(tmp_path):
    """--help tells what it is and where its settings are."""
    told = start(tmp_path, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert "TELEGRAM_BOT_TOKEN" in told.stdout
    assert ".env.example" in told.stdout


def test_an_unknown_argument_is_refused(tmp_path):
    """A slip of the pen does not start the bot."""
    told = start(tmp_path, "--plan", TELEGRAM_BOT_TOKEN=TOKEN)
    assert told.returncode == 2


def test_no_token(tmp_path):
    """Without a token the setting is named, and systemd does not try again."""
    told = start(tmp_path)
    assert told.returncode == os.EX_CONFIG
    assert "TELEGRAM_BOT_TOKEN" in told.stderr


@pytest.mark.parametrize("name", ["missing/bot.log", "."])
def test_a_log_file_that_cannot_be_written(tmp_path, name):
    """The setting is named, without a traceback."""
    (tmp_path / "missing").write_text("a file where a folder should be")
    told = start(tmp_path, TELEGRAM_BOT_TOKEN=TOKEN, LOG_FILE=str(tmp_path / name))
    assert told.returncode == os.EX_CONFIG
    assert "LOG_FILE" in told.stderr
    assert "Traceback" not in told.stderr


def test_each_error_names_its_own_cause(tmp_path):
    """A database that cannot be opened is not blamed on the log file."""
    (tmp_path / "file").write_text("not a folder")
    told = start(tmp_path, TELEGRAM_BOT_TOKEN=TOKEN, DATABASE_URL=f"sqlite:///{tmp_path}/file/x.db",
                 TELEGRAM_API_BASE_URL="http://127.0.0.1:9")  # fmt: skip
    assert told.returncode == os.EX_CONFIG
    assert told.stderr.splitlines()[-1].startswith("DATABASE_URL")
    assert "LOG_FILE" not in told.stderr
