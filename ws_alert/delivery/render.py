"""Alert or digest in, message out: HTML for Telegram's subset, and what to draw.

Pure. Everything is plain text until one place escapes it, so no name of a coin or a
venue can break the markup, and whole lines are left out where space ends, so no tag is
ever cut.
"""

from __future__ import annotations

import re

from teleglas import numbers
from teleglas.telegram.text import escape, utf16_length
from ws_alert.delivery.evidence import evidence
from ws_alert.delivery.illustration import illustration
from ws_alert.delivery.phrases import measured, name, what
from ws_alert.delivery.rendered import MAX_CAPTION, MAX_HTML, MAYBE_SENT, Message
from ws_alert.delivery.wording import body, headline
from ws_alert.messages import Alert, Digest, DigestLine, Tier

__all__ = ["fitted", "render", "render_digest"]

_NOT_A_TAG = re.compile(r"[^A-Za-z0-9_]")
_DIGEST_WHY = {
    "budget": "more than the hourly budget of this chat",
    "late": "too late to be told one by one",
}


def render(alert: Alert, *, maybe_sent: bool = False, now_ms: int | None = None) -> Message:
    """Say one alert.

    maybe_sent: the last attempt may have arrived, so this text says that it may repeat.
    now_ms: when it is being sent (local ms), for its age; by default the release.
    INFO is delivered silently; the picture comes from WATCH upwards.
    """
    told_ms = alert.release_ms if now_ms is None else now_ms
    head = [f"<b>{escape(headline(alert))}</b>", *(escape(line) for line in body(alert))]
    details = [escape(line) for line in evidence(alert)]
    foot = [escape(_footer(alert, told_ms)), _hashtags(alert.asset, alert.kind.value)]
    if maybe_sent:
        foot.append(MAYBE_SENT)
    return Message(
        html=fitted(head, details, foot, MAX_HTML),
        caption=fitted(head, details, foot, MAX_CAPTION),
        picture=illustration(alert) if alert.tier >= Tier.WATCH else None,
        silent=alert.tier < Tier.WATCH,
        alert_id=alert.alert_id,
        prior_id=alert.reply_to,
    )


def render_digest(digest: Digest, *, maybe_sent: bool = False, now_ms: int | None = None) -> Message:
    """Say in one silent message what was not told singly, newest first."""
    counted = numbers.count(len(digest.lines), "alert")
    mark = "SIMULATED " if digest.simulated else ""
    span = f"{numbers.clock(digest.from_ms)} to {numbers.clock(digest.to_ms)} UTC"
    head = [
        f"<b>{escape(f'{mark}{counted} in one message, {span}')}</b>",
        escape(f"Why: {_DIGEST_WHY.get(digest.why, name(digest.why))}"),
    ]
    ranked = sorted(
        digest.lines, key=lambda line: (-line.event_ms, line.kind.value, line.asset, line.direction)
    )
    rows = [escape(_digest_row(line)) for line in ranked]
    told_ms = digest.to_ms if now_ms is None else now_ms
    foot = [
        escape(
            f"{numbers.date(digest.to_ms)} · told {numbers.age(told_ms - digest.to_ms)} after the last one"
        ),
        "#digest",
    ]
    if maybe_sent:
        foot.append(MAYBE_SENT)
    return Message(
        html=fitted(head, rows, foot, MAX_HTML),
        caption=fitted(head, rows, foot, MAX_CAPTION),
        picture=None,
        silent=True,
        alert_id=digest.digest_id,
    )


def _digest_row(line: DigestLine) -> str:
    found = what(line.kind, line.direction) + measured(line.kind, line.usd)
    return f"{numbers.clock(line.event_ms)} {name(line.asset)} {found}"


def _footer(alert: Alert, told_ms: int) -> str:
    when = numbers.utc(alert.event_ms)
    if alert.revision:
        return f"{when} · updated {numbers.clock(told_ms)} UTC"
    return f"{when} · told {numbers.age(told_ms - alert.event_ms)} after the event"


def _hashtags(asset: str, kind: str) -> str:
    coin = _NOT_A_TAG.sub("", name(asset))
    # Telegram does not link a hashtag without a letter.
    return f"#{coin} #{kind}" if coin.strip("0123456789_") else f"#{kind}"


def fitted(head: list[str], details: list[str], foot: list[str], limit: int) -> str:
    """Join the blocks; where `limit` is short leave out detail lines first, then lines of the head."""
    tail = "\n".join(foot)
    space = limit - utf16_length(tail) - 1
    kept = _leading(head, space)
    space -= utf16_length("\n".join(kept)) + len("\n<blockquote expandable></blockquote>")
    quoted = _leading(details, space)
    if len(quoted) < len(details):
        note = "{} more lines did not fit"
        quoted = _leading(details, space - len(note) - 8)
        quoted.append(note.format(len(details) - len(quoted)))
        if space < len(note) + 8:
            quoted = []
    quote = "\n".join(quoted)
    middle = [f"<blockquote expandable>{quote}</blockquote>"] if quoted else []
    return "\n".join([*kept, *middle, tail])


def _leading(lines: list[str], space: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        space -= utf16_length(line) + 1
        if space < 0:
            break
        kept.append(line)
    return kept
