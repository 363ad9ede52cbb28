"""The alert decisions a second time, slow and plain: the definition that the engine is held to.

Everything is a list that is scanned again at each event; no running sums, no heaps, no
caches. Only the numbers of `ws_alert.rules` are shared with the engine. The rules are
those of `SEMANTICS.md` 1-18; where its text leaves a choice, the choice stands here as
a comment that begins with "Choice".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from fractions import Fraction

from tests.reference.normals import DAY, nearest_rank
from ws_alert.messages import Kind
from ws_alert.rules import Rules

__all__ = ["Decision", "Phase", "Reference", "Row", "score_v2"]

RANK = [
    Kind.GLOBAL_RADAR,
    Kind.LIQUIDATION_STORM,
    Kind.WHALE_CLUSTER,
    Kind.LARGE_LIQUIDATION,
    Kind.WHALE_TRADE,
]
SINGLES = (Kind.LARGE_LIQUIDATION, Kind.WHALE_TRADE)
TOO_OLD_MS = 60_000
INFO, WATCH, URGENT = 1, 2, 3
TIERS = {INFO: "INFO", WATCH: "WATCH", URGENT: "URGENT"}


@dataclass(frozen=True)
class Row:
    """One row of a tape, in the order of reading. kind: `liquidation` or `trade`; usd in cents."""

    ts_ms: int
    kind: str
    venue: str
    asset: str
    side: str
    usd: int


@dataclass(frozen=True)
class Found:
    """A rule is satisfied at one event (SEMANTICS 8).

    parts: what a radar is made of. minimum: what a storm or cluster was measured by.
    """

    kind: Kind
    asset: str
    direction: str
    event_ms: int
    usd: int
    count: int
    venues: tuple[tuple[str, int], ...]
    tier: int
    score: float | None = None
    parts: tuple[tuple[Kind, str], ...] = ()
    minimum: int = 0


@dataclass(frozen=True)
class Phase:
    """One line of the findings file (SEMANTICS 26)."""

    phase: str
    kind: str
    asset: str
    direction: str
    episode_ms: int
    event_ms: int
    usd: int
    count: int
    venues: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Decision:
    """One line of the decisions file (SEMANTICS 25); edits are not among them."""

    action: str
    reason: str
    kind: str
    asset: str
    direction: str
    event_ms: int
    usd: int
    count: int
    venues: tuple[tuple[str, int], ...]
    episode_ms: int
    tier: str
    score: float | None
    release_ms: int | None = None
    told_usd: int | None = None
    told_count: int | None = None
    step: int | None = None


@dataclass
class Episode:
    """(kind, asset, direction) from its first finding to one window after its last."""

    first: Found
    last: Found
    end_ms: int
    parts: tuple[tuple[Kind, str], ...] = ()
    told_usd: int | None = None
    told_ms: int | None = None
    edited_usd: int = 0
    edited_ms: int = 0
    step: int = -1
    verdict: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """Return the id of the deadline of its end."""
        return f"episode\n{self.first.kind.value}\n{self.first.asset}\n{self.first.direction}"


@dataclass
class Entry:
    """A first message in its group wait: the finding that was held and the largest since."""

    held: Found
    largest: Found
    merged: int
    episode: Episode

    @property
    def told_count(self) -> int:
        """Return what the message says: events of the window, or how many single events merged."""
        return self.merged if self.held.kind in SINGLES else self.largest.count


@dataclass
class Group:
    """What waits for one asset."""

    asset: str
    due_ms: int
    entries: list[Entry] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the id of the deadline of its release."""
        return f"group\nreplay\n{self.asset}"


@dataclass(frozen=True)
class Sent:
    """A message that went out."""

    key: tuple[Kind, str, str]
    episode_ms: int
    event_ms: int
    told_usd: int
    step: int


def score_v2(storm_usd: int, storm_minimum: int, cluster_usd: int, cluster_minimum: int) -> Decimal:
    """Return the radar's score to 30 digits (SEMANTICS 11)."""
    with localcontext() as context:
        context.prec = 40
        left = Decimal(1)
        for usd, minimum in ((storm_usd, storm_minimum), (cluster_usd, cluster_minimum)):
            log2 = (1 + Decimal(usd) / Decimal(minimum)).ln() / Decimal(17).ln()
            left *= 1 - Decimal("0.8") * min(Decimal(1), log2)
        return round(1 - left, 30)


def tier_of_multiple(usd: int, minimum: int) -> int:
    """1x INFO, 2x WATCH, 4x URGENT (SPEC 2)."""
    return URGENT if usd >= 4 * minimum else WATCH if usd >= 2 * minimum else INFO


def by_venue(rows: list[Row]) -> tuple[tuple[str, int], ...]:
    """Sum the rows per venue."""
    return tuple((v, sum(r.usd for r in rows if r.venue == v)) for v in sorted({r.venue for r in rows}))


class Reference:
    """Reads rows in order and writes down every finding and decision."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.tape: list[Row] = []
        self.now = 0
        self.newest: dict[str, int] = {}
        self.open: list[Episode] = []
        self.groups: list[Group] = []
        self.sent: list[Sent] = []
        self.phases: list[Phase] = []
        self.decisions: list[Decision] = []
        self.too_old = 0
        self.first: dict[str, int] = {}
        self.samples: dict[tuple[str, Kind, str], dict[int, int]] = {}

    def run(self, rows: list[Row]) -> Reference:
        """Decide on every row, then run the deadlines that remain."""
        for row in rows:
            self.read(row)
        self.pass_time(None)
        return self

    def read(self, row: Row) -> None:
        """SEMANTICS 1-3: deadlines first, then the row joins its place and is judged at H."""
        now = max(self.now, row.ts_ms)
        self.pass_time(now)
        self.now = now
        if self.rules.watch and row.asset not in self.rules.watch:
            return
        if now - row.ts_ms > TOO_OLD_MS:
            self.too_old += 1
            return
        if row.kind == "liquidation" or row.usd >= self.rules.thresholds.whale_cluster.floor(row.asset):
            self.tape.append(row)
        at = self.newest[row.asset] = max(self.newest.get(row.asset, row.ts_ms), row.ts_ms)
        if row.usd > 0:
            self.first[row.asset] = min(self.first.get(row.asset, row.ts_ms), row.ts_ms)
        self.sample(row, at)
        if row.ts_ms <= at - self.rules.window_ms:
            return
        for found in sorted(self.findings(row, at), key=lambda f: RANK.index(f.kind)):
            self.found(found)

    # What is normal for an asset (SEMANTICS 13)

    def sample(self, row: Row, at: int) -> None:
        """Note the row alone, and the window that it joined in time, each in its minute if that is the largest."""
        values: list[tuple[Kind, str, int, int]] = []
        timely = row.ts_ms > at - self.rules.window_ms
        if row.kind == "liquidation":
            values.append((Kind.LARGE_LIQUIDATION, row.side, row.ts_ms, row.usd))
            usd = sum(r.usd for r in self.window(row.asset, "liquidation", at) if r.side == row.side)
            values += [(Kind.LIQUIDATION_STORM, row.side, at, usd)] if timely else []
        elif row.usd >= self.rules.thresholds.whale_cluster.floor(row.asset):
            values.append((Kind.WHALE_TRADE, row.side, row.ts_ms, row.usd))
            orders = self.window(row.asset, "trade", at)
            buy, sell = (sum(r.usd for r in orders if r.side == side) for side in ("buy", "sell"))
            # Choice: equal sides count as a buy.
            side = "sell" if sell > buy else "buy"
            values += [(Kind.WHALE_CLUSTER, side, at, buy + sell)] if timely else []
        for kind, side, when, usd in values:
            if usd > 0:
                minutes = self.samples.setdefault((row.asset, kind, side), {})
                minutes[when // 60_000] = max(usd, minutes.get(when // 60_000, 0))

    def normal(self, asset: str, kind: Kind, side: str) -> int | None:
        """Return q99.5 of the closed minutes of today and the seven UTC days before, None before 24 h."""
        closed = self.now // 60_000 - 2
        oldest = (closed // DAY - 7) * DAY
        if asset not in self.first or closed - max(oldest, self.first[asset] // 60_000) + 1 < DAY:
            return None
        minutes = self.samples.get((asset, kind, side), {})
        return nearest_rank([usd for minute, usd in minutes.items() if oldest <= minute <= closed])

    def threshold(self, asset: str, kind: Kind, side: str, usd: int) -> int | None:
        """Return what so much is measured by, None if it is not enough."""
        fixed = int(getattr(self.rules.thresholds, kind.value).usd(self.rules.groups.of(asset)))
        normal = self.normal(asset, kind, side)
        if self.rules.thresholds.mode == "fixed" or normal is None:
            return fixed if usd >= fixed else None
        if self.rules.thresholds.mode == "both":
            return fixed if usd >= fixed and usd >= normal else None
        least = max(normal, -(-fixed // 10))
        return least if usd >= least else None

    # Windows and detectors

    def window(self, asset: str, kind: str, at: int) -> list[Row]:
        """Return the asset's liquidations, or its orders >= floor (`trade`), in (at - w, at]."""
        return [r for r in self.tape if r.asset == asset and r.kind == kind
                and at - self.rules.window_ms < r.ts_ms <= at]  # fmt: skip

    def findings(self, row: Row, at: int) -> list[Found]:
        """Return what this row's rules say at H = `at`."""
        found: list[Found] = []
        liquidation = row.kind == "liquidation"
        kind = Kind.LARGE_LIQUIDATION if liquidation else Kind.WHALE_TRADE
        minimum = self.threshold(row.asset, kind, row.side, row.usd)
        # Choice: an order below the cluster's floor is judged alone if the whale threshold is lower still.
        if minimum is not None:
            found.append(Found(kind, row.asset, row.side, row.ts_ms, row.usd, 1, ((row.venue, row.usd),),
                               tier_of_multiple(row.usd, minimum)))  # fmt: skip
        if not liquidation and row.usd < self.rules.thresholds.whale_cluster.floor(row.asset):
            return found
        storms = {side: self.storm(row, side, at) for side in ("long", "short")}
        cluster = self.cluster(row, at)
        part = storms[row.side] if liquidation else cluster
        if part:
            found.append(part)
        firing = [s for s in storms.values() if s]
        if self.rules.radar.enabled and firing and cluster:
            # Choice: of two storms the larger is the radar's, the long one where they are equal.
            found.append(self.radar(row, max(firing, key=lambda f: f.usd), cluster, at))
        return found

    def storm(self, row: Row, side: str, at: int) -> Found | None:
        """One side of one asset."""
        rule, group = self.rules.thresholds.liquidation_storm, self.rules.groups.of(row.asset)
        rows = [r for r in self.window(row.asset, "liquidation", at) if r.side == side]
        usd = sum(r.usd for r in rows)
        minimum = self.threshold(row.asset, Kind.LIQUIDATION_STORM, side, usd)
        if minimum is None or len(rows) < rule.count(group):
            return None
        return Found(Kind.LIQUIDATION_STORM, row.asset, side, row.ts_ms, usd, len(rows), by_venue(rows),
                     tier_of_multiple(usd, minimum), minimum=minimum)  # fmt: skip

    def cluster(self, row: Row, at: int) -> Found | None:
        """Orders >= floor of both sides together, one of them dominant."""
        rule, group = self.rules.thresholds.whale_cluster, self.rules.groups.of(row.asset)
        rows = self.window(row.asset, "trade", at)
        buy, sell = (sum(r.usd for r in rows if r.side == side) for side in ("buy", "sell"))
        side = "buy" if buy > sell else "sell"
        minimum = self.threshold(row.asset, Kind.WHALE_CLUSTER, side, buy + sell)
        if minimum is None or len(rows) < rule.count(group) or buy == sell:
            return None
        if Fraction(max(buy, sell), buy + sell) < Fraction(str(rule.dominance(group))):
            return None
        return Found(Kind.WHALE_CLUSTER, row.asset, side, row.ts_ms, buy + sell, len(rows), by_venue(rows),
                     tier_of_multiple(buy + sell, minimum), minimum=minimum)  # fmt: skip

    def radar(self, row: Row, storm: Found, cluster: Found, at: int) -> Found:
        """Storm and cluster at the same H."""
        score = score_v2(storm.usd, storm.minimum, cluster.usd, cluster.minimum)
        # Choice: forced flow is both sides of the window, voluntary flow its orders >= floor.
        flow = self.window(row.asset, "liquidation", at) + self.window(row.asset, "trade", at)
        net = sum(r.usd if r.side in ("buy", "short") else -r.usd for r in flow)
        neutral = 5 * abs(net) < sum(r.usd for r in flow)
        direction = "neutral" if neutral or net == 0 else "bullish" if net > 0 else "bearish"
        venues = dict(storm.venues)
        for venue, usd in cluster.venues:
            venues[venue] = venues.get(venue, 0) + usd
        tier = URGENT if score >= Decimal("0.78") else WATCH if score >= Decimal("0.60") else INFO
        return Found(Kind.GLOBAL_RADAR, row.asset, direction, row.ts_ms, storm.usd + cluster.usd,
                     storm.count + cluster.count, tuple(sorted(venues.items())), tier, round(float(score), 6),
                     ((storm.kind, storm.direction), (cluster.kind, cluster.direction)))  # fmt: skip

    # Episodes

    def found(self, found: Found) -> None:
        """SEMANTICS 9: the finding opens or prolongs its episode, then it is judged."""
        if found.kind in SINGLES:
            episode = Episode(found, found, self.now)
            self.phase("start", found, found.event_ms)
            self.phase("end", found, found.event_ms)
        else:
            episode = self.episode(found.kind, found.asset, found.direction) or self.start(found)
            episode.last, episode.parts = found, found.parts
            episode.end_ms = self.now + self.rules.window_ms
        self.judge(found, episode)

    def episode(self, kind: Kind, asset: str, direction: str) -> Episode | None:
        """Return the open episode of that name."""
        return next((e for e in self.open
                     if (e.first.kind, e.first.asset, e.first.direction) == (kind, asset, direction)), None)  # fmt: skip

    def start(self, found: Found) -> Episode:
        """Open an episode."""
        episode = Episode(found, found, 0)
        self.open.append(episode)
        self.phase("start", found, found.event_ms)
        return episode

    def end(self, episode: Episode) -> None:
        """Close an episode with the sum of its distinct events since (start - w)."""
        first = episode.first
        since = first.event_ms - self.rules.window_ms
        sides = {first.direction}
        kinds = {"liquidation"} if first.kind is Kind.LIQUIDATION_STORM else {"trade"}
        if first.kind is Kind.WHALE_CLUSTER:
            sides = {"buy", "sell"}
        if first.kind is Kind.GLOBAL_RADAR:
            # Choice: a radar's total are the liquidations of its first storm's side and all orders >= floor.
            kinds, sides = {"liquidation", "trade"}, {"buy", "sell", first.parts[0][1]}
        rows = [r for r in self.tape if r.asset == first.asset and r.kind in kinds and r.side in sides
                and r.ts_ms > since]  # fmt: skip
        total = Found(first.kind, first.asset, first.direction, episode.last.event_ms, sum(r.usd for r in rows),
                      len(rows), by_venue(rows), first.tier)  # fmt: skip
        self.phase("end", total, first.event_ms)
        self.open.remove(episode)
        if episode.told_ms is not None:
            ended = replace(total, tier=episode.last.tier, score=episode.last.score)
            self.write("edit", "ended", ended, episode, told=(ended, total.count), step=episode.step)

    def phase(self, phase: str, found: Found, episode_ms: int) -> None:
        """Write a line of the findings file."""
        self.phases.append(Phase(phase, found.kind.value, found.asset, found.direction, episode_ms,
                                 found.event_ms, found.usd, found.count, found.venues))  # fmt: skip

    # Policy

    def judge(self, found: Found, episode: Episode) -> None:
        """Judge one finding: growth or edit of what was told, inhibition, URGENT, group wait."""
        last = self.cooling((found.kind, found.asset, found.direction))
        grew = bool(last and found.usd >= 2 * last.told_usd)
        if episode.told_usd is not None:
            grew = found.usd >= 2 * episode.told_usd
            if not grew:
                # Choice: what was told goes on as edits also while a larger event silences its growth.
                self.edit(found, episode)
                return
        inhibitor = self.inhibitor(found)
        if inhibitor:
            # Choice: what waits stays in the wait; it is judged at release by itself.
            self.write("drop", f"inhibited:{inhibitor}", found, episode)
        elif grew:
            self.send("grew", self.leave(found, episode), episode)
        elif found.tier == URGENT and last:
            self.write("drop", "cooldown", found, episode)
        elif found.tier == URGENT:
            self.send("urgent", self.leave(found, episode), episode)
        elif not last or episode.verdict != ("drop", "cooldown"):
            self.wait(found, episode)

    def inhibitor(self, found: Found) -> str | None:
        """SEMANTICS 15: an open radar silences its parts, a storm or cluster its single events."""
        if found.kind in SINGLES:
            larger = Kind.LIQUIDATION_STORM if found.kind is Kind.LARGE_LIQUIDATION else Kind.WHALE_CLUSTER
            return larger.value if self.episode(larger, found.asset, found.direction) else None
        radars = [e for e in self.open if e.first.kind is Kind.GLOBAL_RADAR and e.first.asset == found.asset]
        # Choice: a radar's parts are those of its last finding.
        silenced = any((found.kind, found.direction) in radar.parts for radar in radars)
        return Kind.GLOBAL_RADAR.value if silenced else None

    def cooling(self, key: tuple[Kind, str, str]) -> Sent | None:
        """Return the key's last message if its cooldown still runs now."""
        mine = [sent for sent in self.sent if sent.key == key]
        return mine[-1] if mine and self.now - mine[-1].event_ms < self.rules.cooldown.ms(key[0]) else None

    def wait(self, found: Found, episode: Episode) -> None:
        """SEMANTICS 16: hold a first message for the asset's group, or merge with what waits there."""
        group = next((g for g in self.groups if g.asset == found.asset), None)
        if group is None:
            group = Group(found.asset, self.now + self.rules.group_wait_ms)
            self.groups.append(group)
        same = (found.kind, found.direction)
        entry = next((e for e in group.entries if (e.held.kind, e.held.direction) == same), None)
        if entry is None:
            group.entries.append(Entry(found, found, 1, episode))
            self.write("hold", "group_wait", found, episode)
            return
        entry.merged += 1
        entry.largest = max(entry.largest, found, key=lambda f: f.usd)
        if found.kind in SINGLES:
            self.write("fold", f"grouped:{found.kind.value}", found, episode)

    def leave(self, found: Found, episode: Episode) -> Entry:
        """Take the episode's own entry out of the wait to go out now with the state of `found`."""
        held = found
        for group in list(self.groups):
            held = next((e.held for e in group.entries if e.episode is episode), held)
            group.entries = [e for e in group.entries if e.episode is not episode]
            if not group.entries:
                self.groups.remove(group)
        return Entry(held, found, 1, episode)

    def release(self, group: Group) -> None:
        """Judge again what waited; the largest kind leads and the others are lines in it."""
        ready: list[Entry] = []
        for entry in sorted(
            group.entries, key=lambda e: (RANK.index(e.held.kind), -e.largest.usd, e.held.direction)
        ):
            inhibitor = self.inhibitor(entry.held)
            if inhibitor:
                self.write("drop", f"inhibited:{inhibitor}", entry.held, entry.episode)
            elif self.cooling((entry.held.kind, entry.held.asset, entry.held.direction)):
                # twice the last message would have gone out at its finding
                self.write("drop", "cooldown", entry.held, entry.episode)
            else:
                ready.append(entry)
        for place, entry in enumerate(ready):
            if place == 0:
                self.send("first", entry, entry.episode)
            else:
                self.write("fold", f"grouped:{ready[0].held.kind.value}", entry.held, entry.episode)
                entry.episode.told_usd, entry.episode.step = entry.largest.usd, 0

    def send(self, reason: str, entry: Entry, episode: Episode) -> None:
        """Write a message down, with the state that it shows. Choice: an answer counts on from what it answers."""
        held, told = entry.held, entry.largest
        key, start = (held.kind, held.asset, held.direction), episode.first.event_ms
        mine = [sent for sent in self.sent if sent.key == key]
        step = 0
        if mine and (reason == "grew" or mine[-1].episode_ms == start):
            step = mine[-1].step + 1
        if reason == "grew" and episode.told_usd is not None:
            step = episode.step + 1
        self.sent.append(Sent(key, start, held.event_ms, told.usd, step))
        episode.told_usd, episode.told_ms, episode.step = told.usd, self.now, step
        episode.edited_usd, episode.edited_ms = told.usd, self.now
        self.write("send", reason, held, episode, told=(told, entry.told_count), step=step)

    def edit(self, found: Found, episode: Episode) -> None:
        """Choice: an edit is decided at most each 3 s and only for another amount."""
        if episode.told_ms is None or self.now - episode.edited_ms < 3000 or found.usd == episode.edited_usd:
            return
        episode.edited_usd, episode.edited_ms = found.usd, self.now
        self.write("edit", "going_on", found, episode, told=(found, found.count), step=episode.step)

    def write(self, action: str, reason: str, found: Found, episode: Episode, *,
              told: tuple[Found, int] | None = None, step: int | None = None) -> None:  # fmt: skip
        """Write a line; a drop that repeats the episode's last decision is none. Choice: edits are not looked at."""
        if (action, reason) == episode.verdict and action == "drop":
            return
        if action != "edit":
            episode.verdict = (action, reason)
        self.decisions.append(Decision(
            action, reason, found.kind.value, found.asset, found.direction, found.event_ms, found.usd, found.count,
            found.venues, episode.first.event_ms, TIERS[(told[0] if told else found).tier], found.score,
            self.now if action == "send" else None, told[0].usd if told else None, told[1] if told else None,
            step))  # fmt: skip

    # Time

    def pass_time(self, until: int | None) -> None:
        """Run every deadline <= until, each at its own time and those of one time by name; all for None."""
        while True:
            waiting = [(e.end_ms, e.name) for e in self.open] + [(g.due_ms, g.name) for g in self.groups]
            if not waiting or (until is not None and min(waiting)[0] > until):
                return
            self.now, name = min(waiting)
            for group in [g for g in self.groups if g.name == name]:
                self.groups.remove(group)
                self.release(group)
            for episode in [e for e in self.open if e.name == name]:
                self.end(episode)
