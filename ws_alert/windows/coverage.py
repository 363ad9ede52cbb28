"""Which seconds of a window each venue's feed was healthy."""

from __future__ import annotations

import msgspec

from ws_alert.messages import Coverage, FeedNotice, FeedState

__all__ = ["FeedHealth", "FeedSpan"]

_KEPT_MS = 600_000


class FeedSpan(msgspec.Struct, frozen=True):
    """From `from_ms` on, a feed was in `state`; complete: nothing was lost meanwhile."""

    from_ms: int
    state: FeedState
    complete: bool


class FeedHealth:
    """States of the feeds by (venue, family), from the journalled notices."""

    def __init__(self) -> None:
        self.spans: dict[str, list[FeedSpan]] = {}

    def note(self, notice: FeedNotice, now_ms: int) -> None:
        """Take a change of state. It may be known late (a restart), never before the last one."""
        key = f"{notice.venue}/{notice.family}"
        known = self.spans.get(key, [])
        at_ms = min(now_ms, max(notice.at_ms, known[-1].from_ms if known else 0))
        complete = notice.complete and notice.state in (FeedState.LIVE, FeedState.POLLING)
        spans = [*known, FeedSpan(at_ms, notice.state, complete)]
        while len(spans) > 1 and spans[1].from_ms <= now_ms - _KEPT_MS:
            spans.pop(0)
        self.spans[key] = spans

    def coverage(self, family: str, from_ms: int, to_ms: int) -> tuple[Coverage, ...]:
        """Return each venue's healthy share of the span; empty if no feed ever reported (replay of files)."""
        found = []
        for key, spans in sorted(self.spans.items()):
            venue, _, its_family = key.partition("/")
            if its_family != family or all(span.state is FeedState.CONNECTING for span in spans):
                continue
            ends = [span.from_ms for span in spans[1:]] + [to_ms]
            healthy = sum(
                max(0, min(end, to_ms) - max(span.from_ms, from_ms))
                for span, end in zip(spans, ends, strict=True)
                if span.complete
            )
            share = healthy / max(1, to_ms - from_ms)
            found.append(Coverage(venue, min(1.0, share), spans[-1].state.value))
        return tuple(found)

    def polled(self, *families: str) -> tuple[str, ...]:
        """Return the venues of which one of these families (of any, if none is named) is being polled now."""
        return tuple(
            sorted(
                {
                    key.partition("/")[0]
                    for key, spans in self.spans.items()
                    if spans[-1].state is FeedState.POLLING
                    and (not families or key.partition("/")[2] in families)
                }
            )
        )
