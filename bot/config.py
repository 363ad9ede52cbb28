"""Settings of the command bot: what `.env.example` lists, and nothing that has no effect."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, BeforeValidator, Field, PositiveInt, model_validator

from bot.access import EVERYONE
from teleglas.settings import HttpUrl, SharedSettings, Token, load, wrong

__all__ = ["Settings", "load_settings"]

_ID = re.compile(r"-?\d{1,16}\Z", re.ASCII)


def _people(value: object) -> object:
    if isinstance(value, int):
        value = str(value)
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    if not isinstance(value, str):
        return value
    found = tuple(dict.fromkeys(part for part in re.split(r"[,;\s\[\]]+", value) if part))
    for each in found:
        if each != EVERYONE and not _ID.match(each):
            wrong(
                "one of its entries is not an id", "Write numeric ids separated by commas, or * for everyone"
            )
    return found


People = Annotated[tuple[str, ...], BeforeValidator(_people)]


class Settings(SharedSettings):
    """Everything that the command bot can be told. *_url: None for the venue's own."""

    model_config = SharedSettings.model_config

    telegram_alert_token: Token | None = None
    allowed_users: People = Field((), validation_alias=AliasChoices("allowed_users", "whitelisted_users"))
    commands_per_minute: PositiveInt = 20
    binance_rest_url: HttpUrl | None = None
    binance_spot_rest_url: HttpUrl | None = None
    bybit_rest_url: HttpUrl | None = None
    okx_rest_url: HttpUrl | None = None
    hyperliquid_rest_url: HttpUrl | None = None
    coinglass_rest_url: HttpUrl | None = None
    charts: bool = True
    simulated: bool = False

    def urls(self) -> dict[str, str]:
        """Return the addresses of exchanges that differ from their own, by name."""
        named = {
            "binance": self.binance_rest_url, "binance_spot": self.binance_spot_rest_url, "bybit": self.bybit_rest_url,
            "okx": self.okx_rest_url, "hyperliquid": self.hyperliquid_rest_url,
        }  # fmt: skip
        return {name: url for name, url in named.items() if url}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.telegram_bot_token is None:
            wrong("it is missing", "Put the token of the command bot from @BotFather; see .env.example", name="TELEGRAM_BOT_TOKEN")  # fmt: skip
        if self.telegram_bot_token == self.telegram_alert_token:
            wrong("it equals TELEGRAM_ALERT_TOKEN", "Make a second bot with @BotFather: Telegram lets one process read one token", name="TELEGRAM_BOT_TOKEN")  # fmt: skip
        return self


def load_settings(*, env_file: Path | None = Path(".env")) -> tuple[Settings, list[str]]:
    """Return the command bot's settings, and warnings for the log. Raises ConfigError."""
    return load(Settings, env_file=env_file)
