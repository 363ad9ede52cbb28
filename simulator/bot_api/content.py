"""What a message may contain: text, caption, keyboard, photo; each with its limits.

Limits: https://core.telegram.org/bots/api (sendMessage, sendPhoto, InlineKeyboardButton).
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, UnidentifiedImageError

from simulator.bot_api.call import Call
from simulator.bot_api.errors import ApiError, bad_request
from simulator.bot_api.formatting import ENTITIES, Formatted, parse_html, units
from simulator.bot_api.world import Picture, digest

__all__ = ["CALLBACK_BYTES", "CAPTION_UNITS", "TEXT_UNITS", "caption", "keyboard", "picture_of", "text"]

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
CALLBACK_BYTES = 64
PHOTO_BYTES = 10 * 1024 * 1024
PHOTO_SIDES = 10_000
PHOTO_RATIO = 20
_ACTIONS = {"url", "callback_data", "web_app", "login_url", "switch_inline_query", "copy_text", "pay"}


def text(call: Call) -> tuple[str, Formatted]:
    """Return source and formatted `text`; raises ApiError 400 when empty, too long or malformed."""
    source = call.text("text")
    formatted = _formatted(source, call.text("parse_mode"), call.json("entities", list))
    if not formatted.text.strip():
        raise bad_request("message text is empty")
    if units(formatted.text) > TEXT_UNITS:
        raise bad_request("message is too long")
    return source, formatted


def caption(source: str, parse_mode: str, entities: list[Any] | None = None) -> Formatted:
    """Return the formatted caption; raises ApiError 400 when too long or malformed."""
    formatted = _formatted(source, parse_mode, entities)
    if units(formatted.text) > CAPTION_UNITS:
        raise bad_request("message caption is too long")
    return formatted


def _formatted(source: str, parse_mode: str, entities: list[Any] | None) -> Formatted:
    if parse_mode.lower() == "html":
        return parse_html(source)
    if parse_mode:
        raise bad_request("unsupported parse_mode")
    if entities and len(entities) > ENTITIES:
        raise bad_request("ENTITIES_TOO_LONG")
    return Formatted(source, tuple(entities or ()))


def keyboard(call: Call) -> dict[str, Any] | None:
    """Return the `reply_markup`; raises ApiError 400 for a button that Telegram refuses."""
    markup: dict[str, Any] | None = call.json("reply_markup", dict)
    if markup is None or "inline_keyboard" not in markup:
        return markup
    for row in markup["inline_keyboard"]:
        if not isinstance(row, list):
            raise bad_request(
                'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'
            )
        for button in row:
            _check_button(button)
    return markup


def _check_button(button: Any) -> None:
    if not isinstance(button, dict) or not button.get("text"):
        raise bad_request("can't parse inline keyboard button: text buttons need a text")
    if len(_ACTIONS & button.keys()) != 1:
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")


def picture_of(call: Call, value: str | None, part: str) -> Picture:
    """Return the photo that a request names by file_id or `attach://`, or uploads as `part`.

    Raises ApiError: 400 for an unknown id, an unreadable picture or impossible sides, 413 above 10 MB.
    """
    if value and value.startswith("attach://"):
        part = value.removeprefix("attach://")
    elif value:
        return call.world.picture(value)
    if part not in call.files:
        raise bad_request("there is no photo in the request")
    picture = _read(call.files[part])
    call.world.keep(picture)
    return picture


def _read(content: bytes) -> Picture:
    if not content:
        raise bad_request("file must be non-empty")
    if len(content) > PHOTO_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height, suffix = image.width, image.height, (image.format or "").lower()
            image.verify()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    if width + height > PHOTO_SIDES or max(width, height) > PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return Picture(content, digest(content), width, height, suffix)
