"""What every test may use: the folder of recorded data, where it exists; and what none leaves behind."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ws_alert import compiled

if os.environ.get("TELEGLAS_COMPILED") == "1" and not compiled.use():
    raise pytest.UsageError("the hot path of this code is not compiled. Type: make setup")

_ROOT = Path(__file__).resolve().parent.parent
_LONGEST = ("acceptance", "faults", "property")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: a third of the time the tests wait for processes and sockets."""
    told = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return int(told) if told else len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes, so that none of them is left to one worker at the end."""
    items.sort(key=lambda item: not any(item.path.is_relative_to(_ROOT / "tests" / one) for one in _LONGEST))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of recorded data; skip with the reason where a machine has none."""
    path = Path(os.environ.get("TELEGLAS_SHARED", _ROOT.parent / "shared"))
    if path.is_dir():
        return path
    reason = f"recorded data is not on this machine ({path}); set TELEGLAS_SHARED"
    if os.environ.get("TELEGLAS_REQUIRE_SHARED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def no_logs_of_other_tests() -> Iterator[None]:
    """Take back how the program logs, if the test started it in this process: others read what they log themselves."""
    yield
    if not structlog.is_configured():
        return
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(handler)
            handler.close()
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=False)
