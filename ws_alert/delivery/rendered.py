"""A message as a person will see it: before its picture is drawn, and after."""

from __future__ import annotations

import msgspec

from teleglas.charts.picture import AnyPicture

__all__ = ["MAX_CAPTION", "MAX_HTML", "MAYBE_SENT", "Message", "Rendered"]

MAX_HTML = 3_800
"""Characters of a message with its tags: Telegram takes 4,096 after parsing (reference/telegram 3)."""

MAX_CAPTION = 1_000
"""Characters of a photo's caption with its tags: Telegram takes 1,024 after parsing."""

MAYBE_SENT = "<i>(may repeat: the last attempt was not confirmed)</i>"


class Message(msgspec.Struct, frozen=True):
    """What is to be said, decided by pure code.

    html: the whole message, at most `MAX_HTML` characters. caption: the same news for
    below a photo, at most `MAX_CAPTION`. picture: what to draw, None if nothing.
    silent: deliver without a sound. alert_id: names the message for ever; prior_id: of the
    message that it grew from, else empty.
    """

    html: str
    caption: str
    picture: AnyPicture | None
    silent: bool
    alert_id: str = ""
    prior_id: str = ""

    def with_photo(self, photo: bytes | None, *, tried: bool = False) -> Rendered:
        """Return what a channel sends, with the drawn PNG or without one.

        tried: an earlier try to bring this photo may have arrived.
        """
        news = self.caption.partition("\n")[0]
        short = f"{news}\n{MAYBE_SENT}" if tried else news
        return Rendered(self.html, self.caption, photo, self.silent, self.alert_id, self.prior_id, short)


class Rendered(msgspec.Struct, frozen=True):
    """What a channel sends: a photo (PNG) with `caption`, or `html` alone where there is no photo.

    short: the first line, for a photo that can only follow its message, not be part of it.
    """

    html: str
    caption: str
    photo: bytes | None
    silent: bool
    alert_id: str = ""
    prior_id: str = ""
    short: str = ""
