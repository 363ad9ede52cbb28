"""What the documents name exists, and the numbers that they tell are the program's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bot.config import Settings as BotSettings
from teleglas import numbers
from teleglas.settings import names
from teleglas.telegram.text import plain
from teleglas.track_record import NOTHING, TrackRecord
from tests.delivery.analysis_samples import AnalysisSamples
from tests.delivery.conftest import Samples
from ws_alert.config import Settings
from ws_alert.delivery.render import render
from ws_alert.detectors.market_cascade_detector import SPAN_MS as CASCADE_MS
from ws_alert.detectors.oi_divergence_detector import SPAN_MS
from ws_alert.detectors.order_flow_analyzer import FLOW_MS
from ws_alert.detectors.stop_hunt_detector import ABSORB_MS
from ws_alert.detectors.whale_accumulation_detector import ACCUMULATION_MS
from ws_alert.messages import Action, Kind
from ws_alert.records import AlertRecord, ScoreV2
from ws_alert.rules import Cooldowns, Rules, Thresholds

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = {".venv", "data", "demo-output", "node_modules"}
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not HIDDEN.intersection(page.relative_to(ROOT).parts) and page.is_file()
)
GUIDES = [ROOT / "README.md", ROOT / "WS_ALERT_SETUP_GUIDE.md", ROOT / "docs" / "WS_ALERT_BOT.md"]
NOT_SETTINGS = {"PYTHON", "MAJORS", "OTHERS", "URGENT", "WATCH", "INFO"}
GROUPS = ("majors", "large_cap", "mid_cap")


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _blocks(text: str) -> str:
    """Return what stands in fenced blocks and between backquotes."""
    fenced = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", rest)])


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_lead_somewhere(page):
    """Each relative link and picture exists, and so does the heading that it names."""
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        target, _, anchor = "".join(link).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target) if target else page
        assert path.exists(), f"{_id(page)} names {target}"
        if anchor:
            assert anchor in _anchors(path), f"{_id(page)} names {target}#{anchor}"


def test_make_targets_exist():
    """`make <word>` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^|`|sudo )make (?:-C \S+ )?([a-z-]+)", _blocks(page.read_text(encoding="utf-8")), re.MULTILINE))  # fmt: skip
        assert named <= targets, _id(page)


def _help(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", *command, "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


def test_commands_and_their_options_exist():
    """Each module, sub-command and long option in a command line of a document is one that the program knows."""
    helps: dict[tuple[str, ...], str] = {}
    for page in PAGES:
        text = _blocks(page.read_text(encoding="utf-8")).replace("\\\n", " ")
        for module, rest in re.findall(r"python -m ((?:ws_alert|simulator|bot|tests)[\w.]*)([^\n]*)", text):
            words = rest.split()
            command = (module, words[0]) if words and words[0].isalpha() else (module,)
            helps.setdefault(command, "")
            helps[command] = helps[command] or _help(*command)
            for option in re.findall(r"--[a-z]+", rest):
                assert option in helps[command], f"{_id(page)}: {command} {option}"
    assert ("ws_alert.alert_runner", "replay") in helps


def _known() -> set[str]:
    return {*names(Settings), *names(BotSettings)}


@pytest.mark.parametrize("page", GUIDES, ids=_id)
def test_settings_exist(page):
    """Each setting named in a guide is one that the program reads; `X__*` stands for a group of them."""
    known = _known()
    found = re.findall(
        r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b(__\*)?", _blocks(page.read_text(encoding="utf-8"))
    )
    for name, group in found:
        if group:
            assert any(each.startswith(f"{name}__") for each in known), f"{_id(page)} names {name}__*"
        else:
            assert name in known, f"{_id(page)} names {name}"


def _row(label: str, cells: list[str]) -> str:
    return f"| {label} | {' | '.join(cells)} |"


def test_thresholds_are_those_of_the_rules():
    """The tables of README and the bot's guide hold the defaults, also of coins in no group."""
    rules = Thresholds()
    storm, cluster = rules.liquidation_storm, rules.whale_cluster
    rows = [
        _row("large liquidation", [numbers.usd_short(rules.large_liquidation.usd(group)) for group in GROUPS]),
        _row("whale trade", [numbers.usd_short(rules.whale_trade.usd(group)) for group in GROUPS]),
        _row(
            "liquidation storm, 30 s",
            [f"{numbers.usd_short(storm.usd(group))}, {storm.count(group)} liquidations" for group in GROUPS],
        ),
        _row(
            "whale cluster, 30 s",
            [
                f"{numbers.usd_short(cluster.usd(group))}, {cluster.count(group)} orders, {cluster.dominance(group):.0%} one side".replace("%", " %")
                for group in GROUPS
            ],
        ),
    ]  # fmt: skip
    for page in (ROOT / "README.md", ROOT / "docs" / "WS_ALERT_BOT.md"):
        text = page.read_text(encoding="utf-8")
        for row in rows:
            assert row in text, _id(page)
    for kind in (rules.large_liquidation, rules.whale_trade, storm, cluster):
        assert kind.usd("others") == kind.usd("mid_cap")


def test_other_numbers_are_those_of_the_rules():
    """Window, waits, cooldowns, budget and floors in the bot's guide are the defaults."""
    rules, cooldown = Rules(), Cooldowns()
    text = " ".join((ROOT / "docs" / "WS_ALERT_BOT.md").read_text(encoding="utf-8").split())
    floors = rules.thresholds.whale_cluster
    assert f"in windows of {numbers.span(rules.window_ms)} (`WINDOW_MS`)" in text
    assert f"waits {numbers.span(rules.group_wait_ms)} (`GROUP_WAIT_MS`)" in text
    assert f"More than {rules.hourly_budget} messages an hour to a chat (`HOURLY_BUDGET`)" in text
    assert f"only after {cooldown.liquidation_storm_s:.0f} s (whale trades and clusters {cooldown.whale_cluster_s:.0f} s)" in text  # fmt: skip
    assert f"at least {numbers.usd_short(floors.floor('BTC'))} for BTC and ETH, {numbers.usd_short(floors.floor('SOL'))} for other coins" in text  # fmt: skip
    assert cooldown.whale_trade_s == cooldown.whale_cluster_s
    assert {cooldown.large_liquidation_s, cooldown.global_radar_s} == {cooldown.liquidation_storm_s}


def test_numbers_of_the_analysis_kinds_are_those_of_the_rules():
    """README and guide tell the defaults of the kinds that have no row of three amounts, and their fixed windows."""
    rules = Thresholds()
    hunt, flow, spike = rules.stop_hunt, rules.order_flow, rules.volume_spike
    flush = [numbers.usd_short(hunt.usd(group)) for group in GROUPS]
    orders = [numbers.usd_short(hunt.absorption(group)) for group in GROUPS]
    cascade, flat, apart = rules.market_cascade.assets, rules.whale_accumulation_window, rules.oi_divergence
    minutes = {span: numbers.span(span) for span in (FLOW_MS, ACCUMULATION_MS, SPAN_MS)}
    ratio, floor, funding = (
        f"{flow.ratio:.0%}".replace("%", " %"),
        numbers.usd_short(round(spike.floor_usd * 100)),
        f"{rules.funding_extreme.percent:g} %",
    )
    readme, guide = (
        " ".join((ROOT / page).read_text(encoding="utf-8").split())
        for page in ("README.md", "docs/WS_ALERT_BOT.md")
    )
    for row in (
        _row(
            "market cascade", [f"storms that begin on {cascade} coins within {CASCADE_MS // 1000} s", "", ""]
        ),
        _row(
            "stop hunt, 30 s + 30 s",
            [
                f"more than {flush[0]} liquidated, then {orders[0]} of orders against it",
                f"{flush[1]}, {orders[1]}",
                f"{flush[2]}, {orders[2]}",
            ],
        ),
        _row(
            f"order flow, {minutes[FLOW_MS]}",
            [f"more than {ratio} of the taker volume on one side, with {flow.count} large orders", "", ""],
        ),
        _row(
            f"whale accumulation, {minutes[ACCUMULATION_MS]}",
            [
                f"{flat.count} large orders of one side within a price range of {flat.range_percent:g} %",
                "",
                "",
            ],
        ),
        _row(
            "volume spike, 60 s",
            [f"{spike.multiple:g}x the coin's own median minute of 24 h, at least {floor}", "", ""],
        ),
        _row("extreme funding", [f"{funding} per 8 h on a contract, either sign", "", ""]),
        _row(
            f"open interest, {minutes[SPAN_MS]}",
            [
                f"up {apart.rise_percent:g} % on one venue, down {apart.fall_percent:g} % on all others together",
                "",
                "",
            ],
        ),
    ):
        assert " ".join(row.split()) in readme
    for words in (
        f"storms that begin on at least {cascade} coins (`THRESHOLDS__MARKET_CASCADE__ASSETS`) within {CASCADE_MS // 1000} s",
        f"A flush is more than {flush[0]} (LARGE CAP {flush[1]}, others {flush[2]}) liquidated within {numbers.span(Rules().window_ms)}, at least {hunt.majority * 100:.0f} % of it one side",
        f"within {ABSORB_MS // 1000} s after it, large orders AGAINST the forced flow (longs flushed: buys) of more than {orders[0]} ({orders[1]}, {orders[2]}) absorb it, and the score exceeds {hunt.score:g}",
        f"in {minutes[FLOW_MS]} more than {ratio} is one side, with at least {flow.count} large orders of it, and the score exceeds {flow.score:g}",
        f"at least {flat.count} large orders of one side in {minutes[ACCUMULATION_MS]}",
        f"the price range is at most {flat.range_percent:g} %",
        f"at least {spike.multiple:g} times the coin's own median minute of the last 24 h in 60 s, and at least {floor}",
        f"funding of at least {funding} per 8 h",
        f"within {minutes[SPAN_MS]} the open interest rises by at least {apart.rise_percent:g} % on one venue and falls by at least {apart.fall_percent:g} %",
    ):
        assert words in guide, words


_RECORD = AlertRecord(
    TrackRecord(41, 26, 26 / 41, 0.4811, 0.7643, 0.4, 0.9, 0.51),
    TrackRecord(80, 47, 47 / 80, 0.478, 0.689, 0.1, 0.8, 0.5),
    ScoreV2(0.58, 21, 36, 0.42, 0.729),
)


def test_samples_of_the_analysis_kinds_are_what_the_program_writes():
    """Each line of their samples in the guide is one of the rendered message, in its order."""
    text = (ROOT / "docs" / "WS_ALERT_BOT.md").read_text(encoding="utf-8")
    blocks = [
        block.strip("\n").split("\n")
        for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]
    for alert in AnalysisSamples(Samples()).every_kind():
        known = _RECORD if alert.kind is Kind.STOP_HUNT else AlertRecord(TrackRecord(3, 2), NOTHING)
        head, quote = render(msgspec.structs.replace(alert, record=known)).html.split(
            "<blockquote expandable>"
        )
        quote, foot = quote.split("</blockquote>")
        told = (
            plain(head.strip("\n")).split("\n")
            + [f"│ {line}" for line in plain(quote).split("\n")]
            + plain(foot.strip("\n")).split("\n")
        )
        shown = next(block for block in blocks if block[0] == told[0])
        assert [line for line in told if line in shown] == [line for line in shown if line != "│ ..."], (
            alert.kind
        )


def test_every_action_is_explained():
    """The bot's guide has a line for each action that a decision can have."""
    text = (ROOT / "docs" / "WS_ALERT_BOT.md").read_text(encoding="utf-8")
    for action in Action:
        assert re.search(rf"^\| {action.value} \| `", text, re.MULTILINE), action


def test_proofs_exist():
    """Each test that docs/GUARANTEES.md names is there."""
    text = (ROOT / "docs" / "GUARANTEES.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    for file, test in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        assert not test or re.search(rf"^ *(?:async )?def {test}\(", source, re.MULTILINE), f"{file}::{test}"


def test_the_picture_is_small():
    """The README loads fast."""
    assert (ROOT / "docs" / "pictures" / "alert.png").stat().st_size <= 150_000
