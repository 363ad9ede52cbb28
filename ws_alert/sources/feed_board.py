"""The state of every feed, from the states of its connections: one notice per change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from teleglas.venues.dialogue import Plan
from ws_alert.messages import FeedNotice, FeedState

__all__ = ["FeedBoard", "FeedStatus"]


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """One family of a venue for /status; `since_ms` is the local clock at the last change."""

    venue: str
    family: str
    state: FeedState
    since_ms: int
    why: str
    connections: int


@dataclass(frozen=True, slots=True)
class _State:
    state: FeedState
    why: str = ""
    refused: bool = False


@dataclass(slots=True)
class _Feed:
    connections: dict[str, _State] = field(default_factory=dict)
    told: _State | None = None
    since_ms: int = 0


class FeedBoard:
    """Collects what connections report; a family is LIVE only while all its connections are.

    notify is called at each change of a family's state, and again if a feed that was down
    turns out to be refused. It must not block.
    """

    def __init__(self, notify: Callable[[FeedNotice], None], wall_ms: Callable[[], int]) -> None:
        self._notify = notify
        self._wall_ms = wall_ms
        self._feeds: dict[tuple[str, str], _Feed] = {}

    def report(self, plan: Plan, state: FeedState, why: str = "", *, refused: bool = False) -> None:
        """Note a connection's state. Report every connection as CONNECTING before any starts."""
        feed = self._feeds.setdefault((plan.venue, plan.family), _Feed())
        feed.connections[plan.name] = _State(state, why, refused)
        self._tell(plan.venue, plan.family, feed)

    def leave(self, plan: Plan) -> None:
        """Forget a connection that is no longer wanted."""
        feed = self._feeds.get((plan.venue, plan.family))
        if feed is None or feed.connections.pop(plan.name, None) is None:
            return
        if feed.connections:
            self._tell(plan.venue, plan.family, feed)
        else:
            del self._feeds[plan.venue, plan.family]

    def snapshot(self) -> tuple[FeedStatus, ...]:
        """Return every feed's state."""
        return tuple(
            FeedStatus(venue, family, feed.told.state, feed.since_ms, feed.told.why, len(feed.connections))
            for (venue, family), feed in self._feeds.items()
            if feed.told is not None
        )

    def _tell(self, venue: str, family: str, feed: _Feed) -> None:
        now, told = _worst(list(feed.connections.values())), feed.told
        if told is not None and now.state is told.state and not (now.refused and now != told):
            return
        feed.told, feed.since_ms = now, self._wall_ms()
        complete = now.state is FeedState.LIVE
        self._notify(FeedNotice(venue, family, now.state, feed.since_ms, now.why, complete))


def _worst(states: list[_State]) -> _State:
    """Return a refusal before another failure, a failure before one that connects."""
    down = [state for state in states if state.state is FeedState.DOWN]
    refused = [state for state in down if state.refused]
    connecting = [state for state in states if state.state is not FeedState.LIVE]
    return (refused or down or connecting or states)[0]
