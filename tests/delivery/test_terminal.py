"""The terminal as a channel: real streams, real pipes."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import subprocess
import sys

import msgspec
import pytest

from teleglas.telegram.text import plain
from ws_alert.delivery.render import render
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.terminal import TerminalChannel, lines_of
from ws_alert.messages import OutcomeKind


@pytest.fixture
def message(samples) -> Rendered:
    """Return a storm as it is sent."""
    return render(samples.storm()).with_photo(b"\x89PNG")


async def test_prints_the_same_words_as_telegram(message):
    """Every line of the message stands on the terminal, in order, without tags."""
    stream = io.StringIO()
    outcome = await TerminalChannel(stream=stream).send(message, target="terminal")
    printed = [line.removeprefix("│ ") for line in stream.getvalue().rstrip("\n").split("\n")]
    assert printed == ["#1", *plain(message.html).split("\n")]
    assert (outcome.kind, outcome.message_id, outcome.photo) == (OutcomeKind.SENT, 1, False)


async def test_numbers_messages_and_refers_to_them(message):
    """A reply names what it answers, an edit what it replaces, and a silent message says that it is."""
    stream = io.StringIO()
    channel = TerminalChannel(stream=stream)
    await channel.send(message, target="a")
    second = await channel.send(message, target="b", reply_to=1, silent=True)
    edited = await channel.edit(message, target="a", message_id=1, has_photo=True)
    titles = [block.split("\n", 1)[0] for block in stream.getvalue().strip("\n").split("\n\n")]
    edit = "edit of #1 · BTC: at least $18.3M of longs liquidated in 30 s"
    assert titles == ["#1", "#2 · reply to #1 · silent", edit]
    assert stream.getvalue().endswith(f"\n{edit}\n\n")
    assert (second.message_id, edited.message_id) == (2, 1)


async def test_keeps_charts_in_a_folder(message, tmp_path):
    """The picture is saved where it was asked for, and its path is printed."""
    stream = io.StringIO()
    channel = TerminalChannel(stream=stream, charts=tmp_path / "charts")
    outcome = await channel.send(message, target="t")
    path = tmp_path / "charts" / "alert-0001.png"
    assert path.read_bytes() == b"\x89PNG"
    assert f"chart: {path}\n" in stream.getvalue()
    assert outcome.photo


async def test_a_picture_that_comes_later_is_kept_under_its_number(message, tmp_path):
    """The words are printed at once; then one line says whose chart came, what it is about, and where it is."""
    stream = io.StringIO()
    channel = TerminalChannel(stream=stream, charts=tmp_path)
    first = await channel.send(msgspec.structs.replace(message, photo=None), target="t")
    await channel.send(msgspec.structs.replace(message, photo=None), target="t")
    assert (first.photo, list(tmp_path.iterdir())) == (False, [])
    added = await channel.edit(message, target="t", message_id=1, has_photo=False)
    assert (added.message_id, added.photo) == (1, True)
    path = tmp_path / "alert-0001.png"
    assert path.read_bytes() == b"\x89PNG"
    told = "chart of #1 · BTC: at least $18.3M of longs liquidated in 30 s"
    assert stream.getvalue().endswith(f"\n{told} · {path}\n\n")


async def test_numbers_go_on_behind_an_earlier_run(message, tmp_path):
    """No picture of an earlier run is overwritten, and no number stands for two messages."""
    (tmp_path / "alert-0007.png").write_bytes(b"old")
    (tmp_path / "alert-latest.png").touch()
    channel = TerminalChannel(stream=io.StringIO(), charts=tmp_path)
    assert (await channel.send(message, target="t")).message_id == 8
    channel.resume(20)
    channel.resume(3)
    assert (await channel.send(message, target="t")).message_id == 21
    assert (tmp_path / "alert-0007.png").read_bytes() == b"old"
    fresh = TerminalChannel(stream=io.StringIO(), charts=tmp_path / "none")
    assert (await fresh.send(message, target="t")).message_id == 1


async def test_a_folder_that_cannot_be_written_costs_only_the_picture(message, tmp_path):
    """A full disk or a wrong CHARTS_DIR hides no alert."""
    (tmp_path / "file").touch()
    stream = io.StringIO()
    outcome = await TerminalChannel(stream=stream, charts=tmp_path / "file" / "charts").send(
        message, target="t"
    )
    assert (outcome.kind, outcome.photo) == (OutcomeKind.SENT, False)
    assert "#1\n" in stream.getvalue()
    assert "chart: " not in stream.getvalue()


async def test_messages_sent_together_do_not_mix(message):
    """Two deliveries at once are printed one after the other."""
    stream = io.StringIO()
    channel = TerminalChannel(stream=stream)
    outcomes = await asyncio.gather(*(channel.send(message, target="t") for _ in range(5)))
    blocks = stream.getvalue().strip("\n").split("\n\n")
    assert [outcome.message_id for outcome in outcomes] == [1, 2, 3, 4, 5]
    assert [block.split("\n", 1)[0] for block in blocks] == [f"#{number}" for number in range(1, 6)]
    assert len({block.split("\n", 1)[1] for block in blocks}) == 1


async def test_a_terminal_gets_colours_and_wrapped_words(message, monkeypatch):
    """On a real terminal the first line is bold and long lines are wrapped with their bar."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    leader, follower = pty.openpty()
    printed = b""
    with os.fdopen(follower, "w") as stream:
        await TerminalChannel(stream=stream).send(message, target="t")
        while not printed.endswith(b"\n\r\n"):  # a terminal hands out what it has, not what was meant
            printed += os.read(leader, 65_536)
    os.close(leader)
    shown = printed.decode()
    assert "\x1b[1mBTC: at least $18.3M of longs liquidated in 30 s" in shown
    assert shown.count("│") > message.html.count("\n") - 6


def test_a_reader_that_goes_away_does_not_stop_delivery():
    """`| head -1` ends the showing, not the program: later sends still succeed, without a traceback."""
    script = (
        "import asyncio, sys\n"
        "from ws_alert.delivery.rendered import Rendered\n"
        "from ws_alert.delivery.terminal import TerminalChannel\n"
        "async def main():\n"
        "    channel = TerminalChannel()\n"
        "    text = Rendered('x' * 70_000, '', None, False)\n"
        "    for number in range(5):\n"
        "        outcome = await channel.send(text, target='t')\n"
        "    print(outcome.kind, outcome.message_id, file=sys.stderr)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0
    assert said == "sent 5\n"


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<b>a</b>\nb", [(False, "a"), (False, "b")]),
        (
            "a\n<blockquote expandable>x &lt;y&gt;\nz</blockquote>\nb",
            [(False, "a"), (True, "x <y>"), (True, "z"), (False, "b")],
        ),
        ("", []),
        ("</i>a<unknown>b", [(False, "ab")]),
    ],
)
def test_html_becomes_lines(html, lines):
    """Quoted lines are known as such, references are decoded, stray tags do no harm."""
    assert [(quoted, line.plain) for quoted, line in lines_of(html)] == lines
