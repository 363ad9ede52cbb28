"""What a kill at any moment may cost: nothing, and at most one labelled repeat for a death after the sending."""

from __future__ import annotations

import pytest

from tests.faults.kill import run
from tests.faults.marks import AIMS, Marks, stages_open


@pytest.mark.slow
@pytest.mark.timeout(280)
async def test_fifty_kills_lose_nothing(tmp_path):
    """Real processes, SIGKILL at random and aimed moments: all arrives, and the verdicts are the replay's."""
    done = await run(50, 20_26, tmp_path)
    assert done.found.wrong == []
    assert done.found.lost == 0
    assert done.found.repeats <= done.in_gap
    assert done.found.alerts >= 15
    assert all(done.stages[stage] >= 2 for stage in AIMS), done.stages


@pytest.mark.slow
@pytest.mark.timeout(280)
async def test_kills_lose_no_picture(tmp_path):
    """Words that were told before a death get their picture after it, and no second message."""
    done = await run(12, 20_27, tmp_path, charts=True, pictures=5)
    assert done.found.wrong == []
    assert done.found.pictures >= 5


def test_marks_survive_their_writer(tmp_path):
    """What one mapping counted, another reads; a stage that was entered and not left is open."""
    writer, reader = Marks(tmp_path / "marks"), Marks(tmp_path / "marks")
    assert [writer.add("before_commit"), writer.add("before_commit"), writer.add("committed")] == [1, 2, 1]
    writer.add("before_http")
    assert stages_open(reader.read()) == {"before_commit": 1, "before_http": 1, "before_confirm": 0}
    reader.clear()
    assert set(writer.read().values()) == {0}
