"""From decoded rows to windows: which contract, seen before, too old, large enough to judge."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from teleglas.errors import BadFrame
from teleglas.market import Completeness, Instrument, Liquidation, Refusal, TakerSide
from teleglas.money import cents, exact_decimal
from ws_alert.messages import EventRow
from ws_alert.rules import Rules
from ws_alert.windows.duplicates import LiquidationMemory, RelayedTrades, TradeIds
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.event_window import LATEST_ARRIVAL_MS

__all__ = ["Intake", "Judge"]

QUIET_MS = 900_000
"""An asset without any event for so long is forgotten; nothing that decides is older."""

_RELAY = "coinglass"
_MOST_SAMPLES = 20


class Judge(Protocol):
    """Who is told of the few events that are judged one by one."""

    def liquidated(self, events: AssetEvents, row: EventRow, *, timely: bool) -> None:
        """Take a liquidation that joined its window; not timely: it only changes totals."""

    def ordered(self, events: AssetEvents, row: EventRow, *, is_order: bool, timely: bool) -> None:
        """Take a large taker order; is_order: it reaches the whale floor and joined the window."""


class _Contract:
    """What the hot path knows of an instrument."""

    __slots__ = (
        "events",
        "factor",
        "floor",
        "ids",
        "inverse",
        "multiplier",
        "order_cents",
        "scale",
        "watched",
    )

    def __init__(self, instrument: Instrument, events: AssetEvents) -> None:
        self.events = events
        self.ids = TradeIds()
        self.watched = True
        self.inverse = instrument.inverse
        self.multiplier = instrument.multiplier
        self.factor = float(instrument.multiplier)
        self.scale = instrument.scale
        self.order_cents = 0
        self.floor = 0.0


class Intake:
    """Implements `MarketSink` for the engine. `now_ms` is set by it before each input."""

    def __init__(self, rules: Rules, judge: Judge) -> None:
        self.now_ms = 0
        self.source = ""
        self.refused: Counter[Refusal] = Counter()
        self.taken: Counter[str] = Counter()
        self.samples: list[tuple[Refusal, str]] = []
        self._rules = rules
        self._judge = judge
        self._watch = frozenset(rules.watch)
        self._oldest_ms = -LATEST_ARRIVAL_MS
        self._assets: dict[str, AssetEvents] = {}
        self._contracts: dict[Instrument, _Contract] = {}
        self._by_name: dict[tuple[str, str, str], _Contract] = {}
        self._liquidations = LiquidationMemory()
        self._relayed = RelayedTrades()

    def at(self, now_ms: int) -> None:
        """Take the time of the next input."""
        if now_ms > self.now_ms:
            self.now_ms = now_ms
            self._oldest_ms = now_ms - LATEST_ARRIVAL_MS

    def events(self, asset: str) -> AssetEvents:
        """Return what is remembered of an asset."""
        events = self._assets.get(asset)
        if events is None:
            group = self._rules.groups.of(asset)
            events = self._assets[asset] = AssetEvents(asset, group, self._rules.window_ms)
        return events

    def interrupted(self, venue: str) -> None:
        """Note that a venue's trades start anew: jumps of their ids are gaps that a backfill may fill."""
        for (name, _, _), contract in self._by_name.items():
            if name == venue:
                contract.ids.interrupted()

    def forget(self, busy: frozenset[str]) -> None:
        """Drop what can decide nothing any more; `busy` assets have an open episode."""
        self._liquidations.forget(self.now_ms)
        self._relayed.forget(self.now_ms)
        for contract in self._by_name.values():
            contract.ids.settle()
        edge = self.now_ms - QUIET_MS
        quiet = {
            asset
            for asset, events in self._assets.items()
            if max(events.newest_ms, events.tape.current.second * 1000) < edge and asset not in busy
        }
        if quiet:
            self._assets = {name: events for name, events in self._assets.items() if name not in quiet}
            self._by_name = {key: one for key, one in self._by_name.items() if one.events.asset not in quiet}
            self._contracts = {
                key: one for key, one in self._contracts.items() if one.events.asset not in quiet
            }

    # -- MarketSink -------------------------------------------------------------------

    def trade(  # noqa: C901, PLR0912 - the hot path: a call of its own costs a tenth of it
        self,
        instrument: Instrument,
        trade_id: int,
        tag: str,
        event_ms: int,
        buy: bool,
        price: float,
        quantity: float,
    ) -> None:
        """Take one row of a trade tape (see `MarketSink`)."""
        contract = self._contracts.get(instrument) or self._admit(instrument)
        ids = contract.ids
        # nine rows in ten are new, untagged and in order
        if trade_id > ids.last and not ids.resumed and not tag:
            ids.last = trade_id
        elif not self._is_new_trade(instrument, ids, trade_id, tag):
            self.refused[Refusal.DUPLICATE] += 1
            return
        if event_ms < self._oldest_ms:
            self.refused[Refusal.TOO_OLD] += 1
            return
        if not contract.watched:
            return
        usd = quantity * contract.factor if contract.inverse else price * quantity * contract.factor
        if usd >= contract.floor:
            self._large_trade(instrument, contract, event_ms, buy, price, quantity)
            return
        if contract.scale != 1:
            price /= contract.scale
        events = contract.events
        time_ms = event_ms if event_ms < self.now_ms else self.now_ms  # noqa: FURB136 - 3x faster than min
        if time_ms > events.newest_ms:  # noqa: PLR1730 - 3x faster than max
            events.newest_ms = time_ms
        second = time_ms // 1000
        tape = events.tape
        row = tape.current
        if row.second != second:
            row = tape.at(second)
        if buy:
            row.buy += int(usd * 100 + 0.5)
        else:
            row.sell += int(usd * 100 + 0.5)
        if row.last == 0.0:
            row.low = row.high = price
        elif price < row.low:
            row.low = price
        elif price > row.high:
            row.high = price
        row.last = price

    def liquidation(self, row: Liquidation) -> None:
        """Take one forced order; `row.side` is the side of the closed position."""
        if not self._liquidations.is_new(row, self.now_ms, relayed=self.source == _RELAY):
            self.refused[Refusal.DUPLICATE] += 1
            return
        if row.event_ms < self._oldest_ms:
            self.refused[Refusal.TOO_OLD] += 1
            return
        contract = self._contracts.get(row.instrument) or self._admit(row.instrument)
        if contract.watched:
            self._liquidated(contract.events, row)

    def mark(self, instrument: Instrument, event_ms: int, price: float) -> None:
        """Take a mark price. It is only a price: it moves no window."""
        contract = self._contracts.get(instrument) or self._admit(instrument)
        if contract.watched and event_ms >= self._oldest_ms:
            contract.events.tape.price(min(event_ms, self.now_ms) // 1000, price / contract.scale)

    def refuse(self, reason: Refusal, detail: str) -> None:
        """Count what is skipped; the first of each reason since the last look is kept for the log."""
        self.refused[reason] += 1
        if len(self.samples) < _MOST_SAMPLES:
            self.samples.append((reason, detail))

    # -- rows of files ----------------------------------------------------------------

    def file_liquidation(self, row: Liquidation) -> None:
        """Take a row of a recorded tape: never a duplicate (SEMANTICS 5)."""
        if row.event_ms < self._oldest_ms:
            self.refused[Refusal.TOO_OLD] += 1
            return
        contract = self._contracts.get(row.instrument) or self._admit(row.instrument)
        if contract.watched:
            self._liquidated(contract.events, row)

    def file_trade(
        self, instrument: Instrument, event_ms: int, side: TakerSide, price: float, usd: str
    ) -> None:
        """Take a row of a recorded tape; USD as its column says, price of one coin."""
        if event_ms < self._oldest_ms:
            self.refused[Refusal.TOO_OLD] += 1
            return
        contract = self._contracts.get(instrument) or self._admit(instrument)
        if contract.watched:
            amount = float(usd)
            large = amount >= contract.floor
            exact = cents(exact_decimal(usd)) if large else int(amount * 100 + 0.5)
            self._traded(instrument, contract, min(event_ms, self.now_ms), side, price, exact)

    # -- inside -----------------------------------------------------------------------

    def _admit(self, instrument: Instrument) -> _Contract:
        """Return what is known of an instrument; a refreshed table brings new objects for old contracts."""
        name = (instrument.venue, instrument.symbol, _RELAY if self.source == _RELAY else "")
        contract = self._by_name.get(name)
        if contract is None or contract.multiplier != instrument.multiplier:
            events = self.events(instrument.asset)
            contract = self._by_name[name] = _Contract(instrument, events)
            contract.watched = not self._watch or instrument.asset in self._watch
            thresholds = self._rules.thresholds
            contract.order_cents = thresholds.whale_cluster.floor(events.asset)
            # two cents of slack: the float product may fall below a floor that the exact one reaches
            smallest = min(contract.order_cents, thresholds.whale_trade.usd(events.group))
            contract.floor = smallest / 100 - 0.02
        self._contracts[instrument] = contract
        return contract

    def _is_new_trade(self, instrument: Instrument, ids: TradeIds, trade_id: int, tag: str) -> bool:
        if self.source == _RELAY:
            return self._relayed.is_new((instrument.venue, instrument.symbol, trade_id, tag), self.now_ms)
        return ids.is_new(trade_id, tag)

    def _large_trade(
        self,
        instrument: Instrument,
        contract: _Contract,
        event_ms: int,
        buy: bool,
        price: float,
        quantity: float,
    ) -> None:
        try:
            usd = cents(instrument.usd(exact_decimal(price), exact_decimal(quantity)))
        except BadFrame as bad:
            self.refuse(Refusal(bad.reason), f"{instrument.venue} {instrument.symbol}: {bad}")
            return
        side = TakerSide.BUY if buy else TakerSide.SELL
        time_ms = min(event_ms, self.now_ms)
        self._traded(instrument, contract, time_ms, side, price / contract.scale, usd)

    def _traded(
        self,
        instrument: Instrument,
        contract: _Contract,
        time_ms: int,
        side: TakerSide,
        price: float,
        usd: int,
    ) -> None:
        events = contract.events
        events.newest_ms = max(events.newest_ms, time_ms)
        second = events.tape.at(time_ms // 1000)
        if side is TakerSide.BUY:
            second.buy += usd
        else:
            second.sell += usd
        events.tape.price(time_ms // 1000, price)
        if usd < contract.floor * 100:
            return
        row = EventRow(instrument.venue, instrument.symbol, side.value, usd, price, time_ms)
        is_order = usd >= contract.order_cents
        if is_order:
            events.add_order(side, row)
        timely = time_ms > events.newest_ms - self._rules.window_ms
        self._judge.ordered(events, row, is_order=is_order, timely=timely)

    def _liquidated(self, events: AssetEvents, liquidation: Liquidation) -> None:
        found = liquidation.instrument
        row = EventRow(
            found.venue, found.symbol, liquidation.side.value, liquidation.usd_cents, liquidation.price,
            min(liquidation.event_ms, self.now_ms), liquidation.price_kind.value,
            liquidation.completeness is Completeness.SAMPLED,
        )  # fmt: skip
        timely = events.add_liquidation(liquidation.side, row)
        self._judge.liquidated(events, row, timely=timely)
