"""What goes wrong on a venue's wire, by script or by request."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, fields
from pathlib import Path

__all__ = ["FAULTS", "FaultScriptError", "FaultStep", "VenueFaults", "read_script", "step_of"]

MEGABYTE = 1_000_000


class FaultScriptError(ValueError):
    """A fault's description is wrong; the message says where and why."""


@dataclass
class VenueFaults:
    """The faults of one venue that are on now.

    stall: connections open, nothing is ever sent. silent: requests are answered, no data comes.
    duplicate, malformed: probability that a message is repeated, followed by a broken one.
    reorder: how many neighbouring messages may change places. clock_jump: shift of the venue's clock (ms).
    refuse, refuse_ws, refuse_rest: HTTP status instead of an answer. accept_then_close: connections are
    opened and closed at once. latency: ms before each REST answer. html_rest: a proxy's page instead of
    an answer. rename_rest: the fields of REST rows have other names. null_rest: a third of the fields,
    the first to third by this number, are null. retype_rest: numbers are text and text of numbers are
    numbers. stall_rest: REST is never answered.
    """

    stall: bool = False
    silent: bool = False
    duplicate: float = 0.0
    malformed: float = 0.0
    reorder: int = 0
    clock_jump: int = 0
    refuse: int = 0
    refuse_ws: int = 0
    refuse_rest: int = 0
    accept_then_close: bool = False
    latency: int = 0
    html_rest: bool = False
    rename_rest: bool = False
    null_rest: int = 0
    retype_rest: bool = False
    stall_rest: bool = False
    _random: random.Random = field(default_factory=lambda: random.Random("faults"), repr=False)

    def set(self, name: str, value: float) -> None:
        """Switch a fault on with a value, or off with 0. Raises KeyError for an unknown name."""
        kind = FAULTS[name]
        setattr(self, name, kind(value))

    def clear(self) -> None:
        """Switch every fault off."""
        for name in FAULTS:
            self.set(name, 0)

    def mangle(self, frames: list[tuple[str, bytes | str]]) -> list[tuple[str, bytes | str]]:
        """Return the messages of one tick as the faults leave them: (channel, text as bytes | binary as str).

        Binary garbage is marked by being a `str` of Latin-1 characters.
        """
        if not (self.duplicate or self.malformed or self.reorder):
            return frames
        out: list[tuple[str, bytes | str]] = []
        for channel, payload in frames:
            out.append((channel, payload))
            if self._random.random() < self.duplicate:
                out.append((channel, payload))
            if self._random.random() < self.malformed and isinstance(payload, bytes):
                out.append((channel, self._broken(payload)))
        for start in range(0, len(out), self.reorder) if self.reorder > 1 else ():
            part = out[start : start + self.reorder]
            self._random.shuffle(part)
            out[start : start + self.reorder] = part
        return out

    def _broken(self, payload: bytes) -> bytes | str:
        kind = self._random.randrange(40)
        if kind == 0:
            return b'{"padding":"' + b"x" * MEGABYTE + b'"}'
        if kind < 5:
            return "".join(chr(self._random.randrange(256)) for _ in range(48))
        if kind < 15:
            return payload[: len(payload) // 2]
        if kind < 25:
            return payload.replace(b"1", b"NaN")
        if kind < 32:
            return payload.replace(b":", b":-", 6)
        return self._random.choice([b"null", b"[]", b"42", b'"text"', b"{}", b"[" * 5000, b"not json"])


FAULTS = {
    item.name: {"bool": bool, "float": float, "int": int}[str(item.type)]
    for item in fields(VenueFaults)
    if not item.name.startswith("_")
}
"""Fault -> type of its value. `drop` and `notice` come on top: they happen once."""

_MOMENTS = ("drop", "notice")


@dataclass(frozen=True, slots=True)
class FaultStep:
    """One line of a script: at at_s since the start the fault gets a value, for_s later it is off again.

    for_s None: it stays. venue `all`: every venue. `drop` (cut all connections) and `notice` (OKX's
    64008) happen once and have no length.
    """

    at_s: float
    venue: str
    fault: str
    value: float = 1.0
    for_s: float | None = None

    @property
    def once(self) -> bool:
        """Whether the fault is a moment rather than a state."""
        return self.fault in _MOMENTS


def step_of(value: object, venues: tuple[str, ...], *, at_s: float | None = None) -> FaultStep:
    """Return the step that a JSON object describes.

    Keys: at_s (unless given here), venue, fault, value, for_s. Raises FaultScriptError.
    """
    if not isinstance(value, dict):
        raise FaultScriptError("a fault must be an object")
    unknown = set(value) - {"at_s", "venue", "fault", "value", "for_s"}
    if unknown:
        raise FaultScriptError(f"unknown key {min(unknown)!r}")
    venue, fault = value.get("venue", "all"), value.get("fault")
    if venue not in {*venues, "all"}:
        raise FaultScriptError(f"unknown venue {venue!r}; known: {', '.join(venues)}, all")
    if fault not in {*FAULTS, *_MOMENTS}:
        raise FaultScriptError(f"unknown fault {fault!r}; known: {', '.join((*FAULTS, *_MOMENTS))}")
    try:
        start = float(value["at_s"]) if at_s is None else at_s
        length = None if value.get("for_s") is None else float(value["for_s"])
        return FaultStep(start, venue, fault, float(value.get("value", 1)), length)
    except (KeyError, TypeError, ValueError) as error:
        raise FaultScriptError(f"at_s, value and for_s must be numbers ({error!r})") from None


def read_script(path: Path, venues: tuple[str, ...]) -> list[FaultStep]:
    """Read a script: a JSON array of steps. Raises FaultScriptError, naming the step, and OSError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FaultScriptError(f"{path}: {error}") from None
    if not isinstance(document, list):
        raise FaultScriptError(f"{path}: must be an array")
    steps = []
    for number, item in enumerate(document, 1):
        try:
            steps.append(step_of(item, venues))
        except FaultScriptError as error:
            raise FaultScriptError(f"{path}: step {number}: {error}") from None
    return sorted(steps, key=lambda step: step.at_s)
