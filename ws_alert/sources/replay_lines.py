"""The lines that a replay writes (SEMANTICS 25, 26): JSON with money in dollars, two decimals."""

from __future__ import annotations

import json

from teleglas.money import dollars
from ws_alert.messages import ConfluenceFacts, PhaseLine, Verdict

__all__ = ["phase_line", "verdict_line"]


def verdict_line(verdict: Verdict) -> str:
    """Return one decision as a line of JSON, without the newline."""
    cells = [
        ("action", _text(verdict.action.value)),
        ("reason", _text(verdict.reason)),
        ("kind", _text(verdict.kind.value)),
        ("asset", _text(verdict.asset)),
        ("direction", _text(verdict.direction)),
        ("event_ms", str(verdict.event_ms)),
        ("usd", dollars(verdict.usd)),
        ("count", str(verdict.count)),
        ("episode_ms", str(verdict.episode_ms)),
        ("tier", _text(verdict.tier.name)),
        ("score", "null" if verdict.score is None else repr(verdict.score)),
        ("venues", _venues(verdict.venues)),
    ]
    if verdict.release_ms is not None:
        cells.append(("release_ms", str(verdict.release_ms)))
    if verdict.told_usd is not None:
        cells.append(("told_usd", dollars(verdict.told_usd)))
    if verdict.told_count is not None:
        cells.append(("told_count", str(verdict.told_count)))
    if verdict.step is not None:
        cells.append(("step", str(verdict.step)))
    if verdict.confluence is not None:
        cells += _figures(verdict.confluence)
    return _line(cells)


def phase_line(phase: PhaseLine) -> str:
    """Return the start or the end of an episode as a line of JSON, without the newline."""
    return _line(
        [
            ("phase", _text(phase.phase)),
            ("kind", _text(phase.kind.value)),
            ("asset", _text(phase.asset)),
            ("direction", _text(phase.direction)),
            ("episode_ms", str(phase.episode_ms)),
            ("event_ms", str(phase.event_ms)),
            ("usd", dollars(phase.usd)),
            ("count", str(phase.count)),
            ("venues", _venues(phase.venues)),
        ]
    )


def _figures(facts: ConfluenceFacts) -> list[tuple[str, str]]:
    """Return a confluence's own figures; prices as exact as they were computed, null where not ready."""
    return [
        ("timeframe", _text(facts.timeframe)),
        *(
            (name, _number(getattr(facts, name)))
            for name in ("entry", "stop", "target", "atr", "rsi", "vwap")
        ),
        ("confidence", str(facts.confidence)),
    ]


def _number(value: float | None) -> str:
    return "null" if value is None else repr(value)


def _line(cells: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in cells) + "}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _venues(venues: tuple[tuple[str, int], ...]) -> str:
    return "{" + ", ".join(f"{_text(name)}: {dollars(usd)}" for name, usd in sorted(venues)) + "}"
