"""What users install is whole: pinned libraries, a hardened unit, import rules, one way to set up."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PINNED = {
    canonicalize_name(Requirement(line).name): Requirement(line)
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}
PACKAGES = ("teleglas", "ws_alert", "bot", "simulator")


def _imported() -> set[str]:
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - set(PACKAGES)


def test_every_import_is_pinned_with_its_reason():
    """A clean install can import all of the program, and each library says why it is there."""
    owners = packages_distributions()
    needed = {canonicalize_name(owner) for module in _imported() for owner in owners[module][:1]}
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    explained = {
        canonicalize_name(Requirement(line).name)
        for line in re.findall(r"^# .+\n(.+==.+)$", text, re.MULTILINE)
    }
    needed.discard("pydantic-core")  # comes with pydantic, always in the version that fits
    assert needed <= explained


def test_pins_are_exact_and_complete():
    """Each pin is one version, and what a library needs in turn is pinned too."""
    for name, pinned in PINNED.items():
        assert str(pinned.specifier).startswith("=="), name
        for text in distribution(name).requires or []:
            needs = Requirement(text)
            extras = pinned.extras or {""}
            if needs.marker is None or any(needs.marker.evaluate({"extra": extra}) for extra in extras):
                assert canonicalize_name(needs.name) in PINNED, f"{name} needs {needs}"


def test_the_tested_versions_are_the_pinned_ones():
    """Tests that ran with other versions would prove nothing about a user's installation."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dev = [Requirement(text) for text in project["optional-dependencies"]["dev"]]
    for each in [*PINNED.values(), *dev]:
        assert str(each.specifier) == f"=={version(each.name)}", each.name


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("unit", ["teleglas-alert.service", "teleglas-bot.service"])
def test_the_unit_is_hardened(unit):
    """`systemd-analyze security` gives it 1.5 or less, where 10 is exposed."""
    done = subprocess.run(  # noqa: S603 - one of our own two units
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit],  # noqa: S607 - found above
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a unit offline")
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("teleglas-alert.service", "-m ws_alert.alert_runner"),
        ("teleglas-bot.service", "/opt/teleglas/main.py"),
    ],
)
def test_the_unit_says_what_the_program_does(name, starts):
    """It waits for READY, feeds the watchdog, and is not restarted over a wrong setting."""
    unit = (ROOT / name).read_text(encoding="utf-8")
    lines = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    assert lines["Type"] == "notify"
    assert int(lines["WatchdogSec"]) >= 10
    assert lines["KillSignal"] == "SIGTERM"
    assert lines["RestartPreventExitStatus"] == str(os.EX_CONFIG)
    assert lines["ExecStart"].endswith(starts)


def test_import_rules_hold():
    """Data flows one way (docs/ARCHITECTURE.md); the rules stand in .importlinter."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_what_is_missing_is_named(tmp_path):
    """`make setup` without Python says what to type."""
    done = subprocess.run(  # noqa: S603 - make of this machine
        [shutil.which("make") or "make", "setup", "PYTHON=python3-of-nowhere"],
        cwd=_checkout(tmp_path), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "sudo apt install python3 python3-venv" in done.stderr


def _checkout(folder: Path) -> Path:
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder
