"""What the hot path knows of an instrument."""

from __future__ import annotations

from typing import Final

from teleglas.market import Instrument
from ws_alert.windows.duplicates import TradeIds
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["ASK", "Contract"]

ASK: Final = 1 << 63
"""As `last_id`: no id is larger, so every row of the contract is looked at closely."""


class Contract:
    """An instrument with the asset that it adds to.

    last_id, tag: of the newest row that was taken without asking `ids`. factor: the multiplier as
    a float. order_cents: from where a taker order counts as a whale's; floor: USD from which a
    row is looked at closely. plain: linear, of one coin a unit, and watched.
    """

    __slots__ = (
        "events",
        "factor",
        "floor",
        "ids",
        "inverse",
        "last_id",
        "multiplier",
        "order_cents",
        "plain",
        "scale",
        "swept_id",
        "tag",
        "tape",
        "watched",
    )

    def __init__(self, instrument: Instrument, events: AssetEvents) -> None:
        self.events = events
        self.tape = events.tape
        self.ids = TradeIds()
        self.last_id = ASK
        self.tag = ""
        self.watched = True
        self.plain = not instrument.inverse and instrument.scale == 1
        self.inverse = instrument.inverse
        self.multiplier = instrument.multiplier
        self.factor = instrument.factor
        self.scale = instrument.scale
        self.order_cents = 0
        self.floor = 0.0
        self.swept_id = self.ids.last

    def catch_up(self) -> None:
        """Tell `ids` of the newest of the rows that were taken without asking them."""
        if self.last_id != ASK:
            self.ids.took(self.last_id, self.tag)

    def interrupted(self) -> None:
        """Take that rows may have been missed before the next one: a jump of its id is a gap, which a poll may fill."""
        self.catch_up()
        self.last_id = ASK
        self.ids.interrupted()

    def settle(self) -> None:
        """Forget, when called each minute, what can decide nothing any more.

        A contract without a row since the last call is interrupted: a restart, which reads only the
        last minutes again, does not know its ids either.
        """
        self.catch_up()
        if self.ids.last == self.swept_id:
            self.interrupted()
        self.swept_id = self.ids.last
        self.ids.settle()
