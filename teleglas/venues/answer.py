"""What a source of market data answers to a question: a value with its age, or why there is none.

* SourceError
    * SourceDown       it did not answer, or not as itself; ask again later
        + SourceBusy   the budget is used up, or the source asked for quiet
    * SourceChanged    it answered in a shape that we do not know; a person must look
    * UnknownSymbol    it does not know this coin or pair
    * NeedsPlan        the key's plan does not include this
    * KeyRefused       the key is missing, wrong or expired; a person must change it

All of them can be shown to people: no text contains a key or an address.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from teleglas.errors import TeleglasError

__all__ = ["Answer", "KeyRefused", "NeedsPlan", "SourceBusy", "SourceChanged", "SourceDown", "SourceError",
           "UnknownSymbol"]  # fmt: skip

T = TypeVar("T")


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """A value and where it comes from.

    fetched_ms: Unix ms at which the source gave it. stale: older than it should be, because
    the source does not answer now. interval: of a history, the length of its periods, which
    may be longer than asked where the plan offers no shorter ones.
    """

    value: T
    source: str
    fetched_ms: int
    stale: bool = False
    interval: str = ""


class SourceError(TeleglasError):
    """A source has no answer to this question."""

    def __init__(self, source: str, detail: str) -> None:
        super().__init__(f"{source}: {detail}")
        self.source = source


class SourceDown(SourceError):
    """No answer, or a proxy's instead of the source's."""


class SourceBusy(SourceDown):
    """No request may be sent for `wait_s` seconds."""

    def __init__(self, source: str, wait_s: float) -> None:
        super().__init__(source, f"busy for {wait_s:.0f} s")
        self.wait_s = wait_s


class SourceChanged(SourceError):
    """An answer of an unknown shape."""


class UnknownSymbol(SourceError):
    """A coin or pair that the source does not list."""

    def __init__(self, source: str, symbol: str) -> None:
        super().__init__(source, f"{symbol} is not listed")
        self.symbol = symbol


class NeedsPlan(SourceError):
    """An endpoint above the key's plan. plan: the lowest that includes it, as documented."""

    def __init__(self, source: str, endpoint: str, plan: str) -> None:
        super().__init__(source, f"{endpoint} needs the {plan} plan")
        self.endpoint = endpoint
        self.plan = plan


class KeyRefused(SourceError):
    """The source does not accept the key."""
