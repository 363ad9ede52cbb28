"""The engine against its slow definition, on made-up tapes that live on the edges of every rule."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.reference import dense
from tests.reference.replayed import by_engine, by_reference, same, write_tape
from ws_alert.rules import Rules

EXAMPLES = int(os.environ.get("TELEGLAS_EXAMPLES", "200"))
"""A night's run: TELEGLAS_EXAMPLES=1000000."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder that the examples write over."""
    return tmp_path_factory.mktemp("tapes")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(tapes=dense.tapes(), rules=dense.rules())
def test_findings_and_decisions_are_those_of_the_reference(folder: Path, tapes, rules: Rules) -> None:
    """Every start and end of an episode and every decision, one by one, in order, to the cent."""
    liquidations = [write_tape(folder / "liquidations.csv", tapes[0])]
    trades = [write_tape(folder / "trades.csv", tapes[1])]
    same(by_engine(rules, folder, liquidations, trades), by_reference(rules, liquidations, trades))
