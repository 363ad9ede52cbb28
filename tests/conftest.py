"""What every test may use: the folder of recorded data, where it exists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


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
