"""From decoded rows to windows: which contract, seen before, too old, large enough to judge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec.structs import astuple

from teleglas.errors import BadFrame
from teleglas.market import (
    Candle,
    Completeness,
    Instrument,
    Liquidation,
    PositionSide,
    PriceKind,
    Refusal,
    TakerSide,
)
from teleglas.market_sink import MarketSink, PlainTrade
from teleglas.money import cents, exact_decimal, quick_cents
from ws_alert.messages import EventRow
from ws_alert.rules import Rules
from ws_alert.windows.candles import is_possible
from ws_alert.windows.contract import ASK, Contract
from ws_alert.windows.duplicates import LiquidationMemory, RelayedTrades
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.event_window import LATEST_ARRIVAL_MS
from ws_alert.windows.interest import POLL_MS, AssetInterest, FundingRow, Interest, InterestRow

__all__ = ["Intake", "Judge"]

QUIET_MS: Final = 900_000
"""An asset without any event for so long is forgotten; nothing that decides is older."""

_fields: Final = astuple  # one call costs less than an attribute each
_RELAY: Final = "coinglass"
_MOST_SAMPLES: Final = 20
_SETTLED: Final = 3
"""Minutes without any input after which nothing of a contract's ids is left to settle."""

# members of an enumeration and their values take some tenths of a microsecond to look up
_SAMPLED: Final = Completeness.SAMPLED
_BUY: Final = TakerSide.BUY
_SELL: Final = TakerSide.SELL
_TEXTS: Final[dict[StrEnum, str]] = {each: each.value for each in (*PositionSide, *TakerSide, *PriceKind)}


class Judge(ABC):
    """Who is told of the few events that are judged one by one."""

    @abstractmethod
    def liquidated(self, events: AssetEvents, row: EventRow, timely: bool) -> None:
        """Take a liquidation that joined its window; not timely: it only changes totals."""

    @abstractmethod
    def ordered(self, events: AssetEvents, row: EventRow, *, is_order: bool, timely: bool) -> None:
        """Take a large taker order; is_order: it reaches the whale floor and joined the window."""

    @abstractmethod
    def passed(self, events: AssetEvents) -> None:
        """Take that a second closed: `events.tape.second` is new, and the sums hold what was before it."""

    @abstractmethod
    def closed(self, instrument: Instrument, candle: Candle) -> None:
        """Take a candle that closed, with possible values."""

    @abstractmethod
    def funded(self, interest: AssetInterest, event_ms: int) -> None:
        """Take that a rate of the asset is new."""

    @abstractmethod
    def sampled(self, interest: AssetInterest, event_ms: int) -> None:
        """Take that an open interest of the asset is new."""


class Intake(MarketSink):
    """Implements `MarketSink` for the engine. `now_ms` is set by it before each input."""

    def __init__(self, rules: Rules, judge: Judge) -> None:
        self.now_ms = 0
        self.source = ""
        self.refused: Counter[Refusal] = Counter()
        self.samples: list[tuple[Refusal, str]] = []
        self.interest = Interest()
        self._rules = rules
        self._judge = judge
        self._watch = frozenset(rules.watch)
        self.oldest_ms = -LATEST_ARRIVAL_MS
        self._assets: dict[str, AssetEvents] = {}
        self._contracts: dict[Instrument, Contract] = {}
        self._by_name: dict[tuple[str, str, str], Contract] = {}
        self._taps: dict[str, dict[str, Contract]] = {}
        # one object for all contracts of a group stays in the processor's cache
        self._floors: dict[int, float] = {}
        self._liquidations = LiquidationMemory()
        self._relayed = RelayedTrades()

    def at(self, now_ms: int) -> None:
        """Take the time of the next input."""
        if now_ms > self.now_ms:
            self.now_ms = now_ms
            self.oldest_ms = now_ms - LATEST_ARRIVAL_MS

    def assets(self) -> Collection[AssetEvents]:
        """Return what is remembered of all assets."""
        return self._assets.values()

    def events(self, asset: str) -> AssetEvents:
        """Return what is remembered of an asset."""
        events = self._assets.get(asset)
        if events is None:
            group = self._rules.groups.of(asset)
            events = self._assets[asset] = AssetEvents(asset, group, self._rules.window_ms)
        return events

    def interrupted(self, venue: str, symbol: str = "") -> None:
        """Note that trades of a venue (or of one symbol) may have been missed before the next row.

        A jump of its id is then a gap, which a backfill may fill.
        """
        contracts = (
            [contract for (name, _, _), contract in self._by_name.items() if name == venue]
            if not symbol
            else [contract for contract in (self._by_name.get((venue, symbol, "")),) if contract]
        )
        for contract in contracts:
            contract.interrupted()

    def relisted(self) -> None:
        """Take that a venue told its contracts anew: a symbol may mean another contract from now on."""
        self._taps.clear()

    def forget(self, busy: frozenset[str], minutes: int) -> None:
        """Drop what can decide nothing any more, some minutes after the last call; `busy` assets have an open episode."""
        self._liquidations.forget(self.now_ms)
        self._relayed.forget(self.now_ms)
        for contract in self._by_name.values():
            for _ in range(min(minutes, _SETTLED)):
                contract.settle()
        for events in self._assets.values():
            events.trim()
        edge = self.now_ms - QUIET_MS
        quiet = {
            asset
            for asset, events in self._assets.items()
            if max(events.newest_ms, events.tape.second * 1000) < edge and asset not in busy
        }
        if quiet:
            self._assets = {name: events for name, events in self._assets.items() if name not in quiet}
            self._by_name = {key: one for key, one in self._by_name.items() if one.events.asset not in quiet}
            self._contracts = {
                key: one for key, one in self._contracts.items() if one.events.asset not in quiet
            }
            self._taps.clear()

    # -- MarketSink -------------------------------------------------------------------

    def trade(
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
        contract = self._contracts.get(instrument)
        if contract is None or trade_id <= contract.last_id:
            # not one of the nine rows in ten that are new, linear, and in order
            contract = self._unusual(instrument, trade_id, tag, event_ms, buy, price, quantity)
            if contract is None:
                return
        else:
            contract.last_id = trade_id
            contract.tag = tag
        usd = price * quantity * contract.factor
        if usd >= contract.floor or event_ms < self.oldest_ms:
            self._rare_trade(instrument, contract, event_ms, buy, price, quantity)
            return
        if event_ms > self.now_ms:
            event_ms = self.now_ms
        tape = contract.tape
        if event_ms > tape.newest_ms:
            tape.newest_ms = event_ms
        if event_ms >= tape.until_ms:
            tape.open(event_ms // 1000)
        elif event_ms < tape.from_ms:
            tape.add(event_ms // 1000, int(usd * 100 + 0.5), buy=buy)
            tape.price(event_ms // 1000, price)
            return
        if buy:
            tape.bought += int(usd * 100 + 0.5)
        else:
            tape.sold += int(usd * 100 + 0.5)
        if price < tape.low:
            tape.low = price
        if price > tape.high:
            tape.high = price
        tape.last = price
        if tape.passed:
            self._passed(contract.events)

    def take_plain(self, frames: Iterator[Any], kind: type[Any], known: Mapping[str, Instrument]) -> Any:
        """Take trades of plain contracts without a call for each (see `MarketSink`)."""
        taps = self._taps.get(self.source)
        if taps is None:
            taps = self._taps[self.source] = {}
        now_ms, oldest_ms, judge = self.now_ms, self.oldest_ms, self._judge
        for frame in frames:
            found = frame.data
            if type(found) is not kind:
                return found
            row: PlainTrade = _fields(found)
            trade_id, symbol, price, quantity, event_ms, sold = row
            try:
                contract = taps[symbol]
            except KeyError:
                if (met := self._tap(known[symbol], taps)) is None:
                    return found
                contract = met
            usd = price * quantity
            tape = contract.tape
            if (
                trade_id <= contract.last_id
                or usd >= contract.floor
                or event_ms < tape.from_ms
                or event_ms < oldest_ms
                or event_ms > now_ms
            ):
                # seen before, large, late, or of a clock that is ahead
                self.trade(known[symbol], trade_id, "", event_ms, not sold, price, quantity)
                continue
            contract.last_id = trade_id
            if event_ms > tape.newest_ms:
                tape.newest_ms = event_ms
            if event_ms >= tape.until_ms:
                tape.open(event_ms // 1000)
                if sold:
                    tape.sold = int(usd * 100 + 0.5)
                else:
                    tape.bought = int(usd * 100 + 0.5)
                tape.low = tape.high = tape.last = price
                tape.passed = False
                judge.passed(contract.events)
                continue
            if sold:
                tape.sold += int(usd * 100 + 0.5)
            else:
                tape.bought += int(usd * 100 + 0.5)
            if price < tape.low:
                tape.low = price
            if price > tape.high:
                tape.high = price
            tape.last = price
        return None

    def liquidation(self, row: Liquidation) -> None:
        """Take one forced order; `row.side` is the side of the closed position."""
        if self._liquidations.is_new(row, self.now_ms, self.source == _RELAY):
            self.file_liquidation(row)
        else:
            self.refused[Refusal.DUPLICATE] += 1

    def mark(self, instrument: Instrument, event_ms: int, price: float) -> None:
        """Take a mark price. It is only a price: it moves no window."""
        contract = self._contracts.get(instrument) or self._admit(instrument)
        if contract.watched and event_ms >= self.oldest_ms:
            contract.events.tape.price(min(event_ms, self.now_ms) // 1000, price / contract.scale)
            if contract.events.tape.passed:
                self._passed(contract.events)

    def candle(self, instrument: Instrument, candle: Candle) -> None:
        """Take a closed candle (see `MarketSink`); it moves no window."""
        if is_possible(candle):
            self._judge.closed(instrument, candle)
        else:
            self.refuse(Refusal.BAD_NUMBER, f"{instrument.venue} {instrument.symbol}: {candle}")

    def funding(self, instrument: Instrument, event_ms: int, rate: float, interval_h: float) -> None:
        """Take a polled funding rate (see `MarketSink`); it moves no window of trades."""
        self.file_funding(instrument, event_ms, rate, interval_h, POLL_MS)

    def open_interest(self, instrument: Instrument, event_ms: int, usd_cents: int) -> None:
        """Take the open interest now (see `MarketSink`); it moves no window of trades."""
        asset = instrument.asset
        if self._watch and asset not in self._watch:
            return
        known, at_ms = self.interest.of(asset), min(event_ms, self.now_ms)
        if known.sample(InterestRow(instrument.venue, instrument.symbol, asset, at_ms, usd_cents)):
            self._judge.sampled(known, at_ms)
        else:
            self.refused[Refusal.DUPLICATE] += 1

    def refuse(self, reason: Refusal, detail: str) -> None:
        """Count what is skipped; the first of each reason since the last look is kept for the log."""
        self.refused[reason] += 1
        if len(self.samples) < _MOST_SAMPLES:
            self.samples.append((reason, detail))

    # -- rows of files ----------------------------------------------------------------

    def file_liquidation(self, row: Liquidation) -> None:
        """Take a row of a recorded tape: never a duplicate (SEMANTICS 5)."""
        event_ms = row.event_ms
        if event_ms < self.oldest_ms:
            self.refused[Refusal.TOO_OLD] += 1
            return
        found = row.instrument
        contract = self._contracts.get(found) or self._admit(found)
        if not contract.watched:
            return
        events = contract.events
        if event_ms > self.now_ms:
            event_ms = self.now_ms
        event = EventRow(
            found.venue, found.symbol, _TEXTS[row.side], row.usd_cents, row.price, event_ms,
            _TEXTS[row.price_kind], row.completeness is _SAMPLED,
        )  # fmt: skip
        timely = events.add_liquidation(row.side, event)
        if events.tape.passed:
            self._passed(events)
        self._judge.liquidated(events, event, timely)

    def file_trade(
        self, instrument: Instrument, event_ms: int, side: TakerSide, price: float, usd: str
    ) -> None:
        """Take a row of a recorded tape; USD as its column says, price of one coin."""
        if event_ms < self.oldest_ms:
            self.refused[Refusal.TOO_OLD] += 1
            return
        contract = self._contracts.get(instrument) or self._admit(instrument)
        if contract.watched:
            amount = float(usd)
            large = amount >= contract.floor
            exact = cents(exact_decimal(usd)) if large else int(amount * 100 + 0.5)
            self._traded(instrument, contract, min(event_ms, self.now_ms), side, price, exact)

    def file_funding(
        self, instrument: Instrument, event_ms: int, rate: float, interval_h: float, every_ms: int
    ) -> None:
        """Take a funding rate of a source that tells one each `every_ms`: it counts for three times that."""
        asset = instrument.asset
        if self._watch and asset not in self._watch:
            return
        known, at_ms = self.interest.of(asset), min(event_ms, self.now_ms)
        row = FundingRow(instrument.venue, instrument.symbol, asset, at_ms, rate, interval_h, every_ms)
        if known.fund(row):
            self._judge.funded(known, at_ms)
        else:
            self.refused[Refusal.DUPLICATE] += 1

    # -- inside -----------------------------------------------------------------------

    def _passed(self, events: AssetEvents) -> None:
        """Tell that a second closed, before the event that opened the next one is judged by itself."""
        events.tape.passed = False
        self._judge.passed(events)

    def _admit(self, instrument: Instrument) -> Contract:
        """Return what is known of an instrument; a refreshed table brings new objects for old contracts."""
        name = (instrument.venue, instrument.symbol, _RELAY if self.source == _RELAY else "")
        contract = self._by_name.get(name)
        if contract is None or contract.multiplier != instrument.multiplier:
            events = self.events(instrument.asset)
            contract = self._by_name[name] = Contract(instrument, events)
            contract.watched = not self._watch or instrument.asset in self._watch
            contract.plain = contract.plain and contract.watched
            thresholds = self._rules.thresholds
            contract.order_cents = thresholds.whale_cluster.floor(events.asset)
            # two cents of slack: the float product may fall below a floor that the exact one reaches
            whale_cents = thresholds.least(thresholds.whale_trade.usd(events.group))
            smallest = min(contract.order_cents, whale_cents)
            contract.floor = self._floors.setdefault(smallest, smallest / 100 - 0.02)
        self._contracts[instrument] = contract
        return contract

    def _tap(self, instrument: Instrument, taps: dict[str, Contract]) -> Contract | None:
        """Return the contract if it was met before and counts in coins; from now on its symbol finds it."""
        contract = self._contracts.get(instrument)
        if contract is None or contract.factor != 1.0:
            return None
        taps[instrument.symbol] = contract
        return contract

    def _unusual(
        self,
        instrument: Instrument,
        trade_id: int,
        tag: str,
        event_ms: int,
        buy: bool,
        price: float,
        quantity: float,
    ) -> Contract | None:
        """Judge a row that may have been seen before, or whose contract is not plain.

        Returns the contract if the row is new and still to be taken like any other.
        """
        contract = self._contracts.get(instrument) or self._admit(instrument)
        if self.source == _RELAY:
            is_new = self._relayed.is_new((instrument.venue, instrument.symbol, trade_id, tag), self.now_ms)
        else:
            contract.catch_up()
            ids = contract.ids
            is_new = ids.is_new(trade_id, tag)
            # another tag of the number before an interruption does not end it
            contract.last_id = ids.last if contract.plain and not (tag and ids.resumed) else ASK
        if not is_new:
            self.refused[Refusal.DUPLICATE] += 1
        elif contract.plain:
            return contract
        elif contract.watched:
            self._rare_trade(instrument, contract, event_ms, buy, price, quantity)
        return None

    def _rare_trade(
        self,
        instrument: Instrument,
        contract: Contract,
        event_ms: int,
        buy: bool,
        price: float,
        quantity: float,
    ) -> None:
        """Take a new row that is too old, large, inverse, or priced in multiples of a coin."""
        if event_ms < self.oldest_ms:
            self.refused[Refusal.TOO_OLD] += 1
            return
        usd = quantity * contract.factor if contract.inverse else price * quantity * contract.factor
        if usd < contract.floor:
            usd_cents = int(usd * 100 + 0.5)
        else:
            try:
                usd_cents = quick_cents(usd) or cents(
                    instrument.usd(exact_decimal(price), exact_decimal(quantity))
                )
            except BadFrame as bad:
                self.refuse(Refusal(bad.reason), f"{instrument.venue} {instrument.symbol}: {bad}")
                return
        side = _BUY if buy else _SELL
        time_ms = min(event_ms, self.now_ms)
        self._traded(instrument, contract, time_ms, side, price / contract.scale, usd_cents)

    def _traded(
        self,
        instrument: Instrument,
        contract: Contract,
        time_ms: int,
        side: TakerSide,
        price: float,
        usd: int,
    ) -> None:
        events = contract.events
        events.tape.newest_ms = max(events.newest_ms, time_ms)
        events.tape.add(time_ms // 1000, usd, buy=side is _BUY)
        events.tape.price(time_ms // 1000, price)
        if events.tape.passed:
            self._passed(events)
        if usd < contract.floor * 100:
            return
        row = EventRow(instrument.venue, instrument.symbol, _TEXTS[side], usd, price, time_ms)
        is_order = usd >= contract.order_cents
        if is_order:
            events.add_order(side, row)
        timely = time_ms > events.newest_ms - self._rules.window_ms
        self._judge.ordered(events, row, is_order=is_order, timely=timely)
