"""Taker volume of an asset by UTC minute, for its median minute of the last 24 hours (SEMANTICS 12). Pure."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["RING_MINUTES", "Median", "MinuteVolumes"]

RING_MINUTES: Final = 1440
_RING_BYTES: Final = RING_MINUTES * array("I").itemsize


class Median(NamedTuple):
    """twice_usd: two times the median, in whole cents, since that of an even number may lie between two.

    minutes: how many closed UTC minutes it is of.
    """

    twice_usd: int
    minutes: int

    @property
    def usd(self) -> int:
        """The median in cents, half a cent up."""
        return (self.twice_usd + 1) // 2


class MinuteVolumes:
    """A ring of 24 hours in cents. Minutes that were never put are zero."""

    __slots__ = ("_newest", "_ring")

    def __init__(self, newest: int, volumes: Sequence[int] = ()) -> None:
        """newest: the last minute (since 1970) that is covered; volumes: what `volumes` returned then."""
        self._newest = newest
        self._ring = _packed(volumes) if volumes else array("I", bytes(_RING_BYTES))

    def put(self, minute: int, usd: int) -> None:
        """Take the volume of a minute later than all before."""
        self._pass(minute)
        try:
            self._ring[minute % RING_MINUTES] = usd
        except OverflowError:
            self._ring = array("Q", self._ring)  # above $42.9M in cents
            self._ring[minute % RING_MINUTES] = usd

    def median(self, minute: int, counted: int) -> Median:
        """Return the median of those `counted` > 0 of the 24 hours up to `minute` that are history.

        The others have no volume: they lie before the asset's first minute, or nobody looked.
        """
        self._pass(minute)
        history = sorted(self._ring)[RING_MINUTES - counted :]
        return Median(history[(counted - 1) // 2] + history[counted // 2], counted)

    def volumes(self, minute: int) -> tuple[int, ...]:
        """Return the whole ring as it stands at the end of `minute`, to be stored."""
        self._pass(minute)
        return tuple(self._ring)

    def _pass(self, minute: int) -> None:
        for passed in range(max(self._newest + 1, minute - RING_MINUTES + 1), minute + 1):
            self._ring[passed % RING_MINUTES] = 0
        self._newest = minute


def _packed(volumes: Sequence[int]) -> array[int]:
    try:
        return array("I", volumes)
    except OverflowError:
        return array("Q", volumes)
