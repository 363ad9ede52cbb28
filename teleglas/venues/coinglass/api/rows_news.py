"""News and the economic calendar (reference: coinglass 3.11)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from teleglas.venues.coinglass.api.decode import Data, Decoded, ShapeError, each
from teleglas.venues.coinglass.api.rows_indicators import Figure, figure
from teleglas.venues.coinglass.api.values import Ms, Number, decode_value

__all__ = ["Article", "EconomicEvent", "read_calendar"]

_KEYS = ("published", "forecast", "previous", "revised_previous")


class Article(Struct, frozen=True):
    """A piece of news. html and summary_html come from a stranger: show them as text only."""

    time_ms: Ms = field(name="article_release_time")
    title: str = field(name="article_title")
    source: str = field(name="source_name", default="")
    html: str | None = field(name="article_content", default=None)
    summary_html: str | None = field(name="article_description", default=None)
    picture_url: str | None = field(name="article_picture", default=None)


class EconomicEvent(Struct, frozen=True):
    """A published or coming economic number.

    published: None before `time_ms`. importance: 1 (least) to 3. exact: whether the time of day
    is known, or only the day.
    """

    time_ms: int
    name: str
    country: str
    country_code: str
    published: Figure | None
    forecast: Figure | None
    previous: Figure | None
    revised_previous: Figure | None
    importance: float | None
    effect: str
    exact: bool


def read_calendar(data: Data) -> Decoded[list[EconomicEvent]]:
    """Read the events, oldest first."""
    found = each(data, _event)
    found.value.sort(key=lambda event: event.time_ms)
    return found


def _event(item: Any) -> EconomicEvent:
    name = item["calendar_name"]
    if not isinstance(name, str) or not name.strip():
        raise ShapeError("a name was expected")
    country, code, effect = (
        str(item.get(key) or "") for key in ("country_name", "country_code", "data_effect")
    )
    published, forecast, previous, revised = (figure(item.get(f"{key}_value")) for key in _KEYS)
    return EconomicEvent(
        decode_value(Ms, item["publish_timestamp"]),
        name.strip(),
        country,
        code,
        published,
        forecast,
        previous,
        revised,
        decode_value(Number, item.get("importance_level")),
        effect,
        item.get("has_exact_publish_time") in {1, "1"},
    )
