"""What the command bot's tests share: patience with one leak that is not ours."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

_LEAK = "ignore:unclosed:ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a question be cut off while it connects: httpx then leaves the socket to the garbage collector."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(_LEAK))


@pytest.fixture(autouse=True, scope="module")
def _swept() -> Iterator[None]:
    """Collect such sockets here, so that no later test is blamed for them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
