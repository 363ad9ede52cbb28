"""Settings of the alert bot: what `.env.example` lists, and nothing that has no effect."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    InstanceOf,
    PositiveInt,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from teleglas.daily_time import DailyTime, parse
from teleglas.settings import ApiKey, HttpUrl, SharedSettings, Token, WsUrl, build, load, names, wrong
from ws_alert.channel_settings import ChannelSettings
from ws_alert.rules import Rules

__all__ = ["Settings", "load_rules", "load_settings"]

_TARGET = re.compile(r"(-?\d{1,20}|@[A-Za-z]\w{3,31})(:[1-9]\d{0,9})?\Z", re.ASCII)


def _targets(value: object) -> object:
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return value
    found = dict.fromkeys(part.strip() for part in value.split(",") if part.strip())
    for each in found:
        if not _TARGET.match(each):
            wrong(
                "one of its entries is not a chat",
                "Write -1001234567890 or @channel_name, with :topic behind it if wanted, separated by commas",
            )
    return tuple(found)


Targets = Annotated[tuple[str, ...], BeforeValidator(_targets)]


def _digest_at(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse(value)
    except ValueError as error:
        wrong(
            str(error).rstrip("."),
            "Write a time of day, and a time zone if it is not UTC: 08:00 Asia/Jakarta",
        )


DigestAt = Annotated[InstanceOf[DailyTime], BeforeValidator(_digest_at)]


class Settings(ChannelSettings, Rules, SharedSettings):
    """Everything that the alert bot can be told; `rules()` is the part that decides.

    telegram_alert_channel_id: chats as `id` or `id:topic`. *_url: None for the venue's own.
    min_daily_volume_usd: trades are watched of perpetuals with at least this volume.
    charts_dir: where pictures are kept when alerts are printed in the terminal. digest_at: when
    each target gets its daily digest unless it chose otherwise, None for never.
    simulated: the market is not real and every message says so.
    """

    model_config = SharedSettings.model_config

    telegram_alert_token: Token | None = None
    telegram_alert_channel_id: Targets = Field(
        (), validation_alias=AliasChoices("telegram_alert_channel_id", "telegram_chat_id")
    )
    coinglass_api_key_ws: ApiKey | None = None
    source_mode: Literal["auto", "public", "coinglass", "both"] = "auto"
    min_daily_volume_usd: float = Field(5_000_000, ge=0)
    binance_ws_url: WsUrl | None = None
    binance_rest_url: HttpUrl | None = None
    bybit_ws_url: WsUrl | None = None
    bybit_rest_url: HttpUrl | None = None
    okx_ws_url: WsUrl | None = None
    okx_rest_url: HttpUrl | None = None
    hyperliquid_rest_url: HttpUrl | None = None
    coinglass_ws_url: WsUrl | None = None
    coinglass_rest_url: HttpUrl | None = None
    journal_dir: Path = Path("data/journal")
    journal_keep_gb: float = Field(2, gt=0)
    journal_keep_hours: PositiveInt = 48
    charts: bool = True
    charts_dir: Path | None = None
    digest_at: DigestAt | None = None
    simulated: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        alert, command = self.telegram_alert_token, self.telegram_bot_token
        if alert is not None and alert == command:
            wrong("it equals TELEGRAM_BOT_TOKEN", "Make a second bot with @BotFather: Telegram lets one process read one token", name="TELEGRAM_ALERT_TOKEN")  # fmt: skip
        if alert is None and self.telegram_alert_channel_id:
            wrong("it is missing though TELEGRAM_ALERT_CHANNEL_ID names chats", "Put the token from @BotFather, or remove the chats to print alerts in the terminal", name="TELEGRAM_ALERT_TOKEN")  # fmt: skip
        if alert is not None and not self.targets:
            wrong("it is missing, so nobody would be told", "Put the id of a chat or channel, or TELEGRAM_ADMIN_CHAT_ID", name="TELEGRAM_ALERT_CHANNEL_ID")  # fmt: skip
        if self.source_mode in {"coinglass", "both"} and self.coinglass_key is None:
            wrong(f"SOURCE_MODE={self.source_mode} needs it", "Put your key, or set SOURCE_MODE=public", name="COINGLASS_API_KEY")  # fmt: skip
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """Chats that receive alerts: the channels, else the admin's chat."""
        if self.telegram_alert_channel_id or self.telegram_admin_chat_id is None:
            return self.telegram_alert_channel_id
        return (str(self.telegram_admin_chat_id),)

    @property
    def coinglass_key(self) -> SecretStr | None:
        """The key for CoinGlass's WebSocket, which may be its own."""
        return self.coinglass_api_key_ws or self.coinglass_api_key

    def urls(self, venue: str) -> tuple[str | None, str | None]:
        """Return the venue's WebSocket and REST addresses where they differ from its own."""
        return {
            "binance": (self.binance_ws_url, self.binance_rest_url),
            "bybit": (self.bybit_ws_url, self.bybit_rest_url),
            "okx": (self.okx_ws_url, self.okx_rest_url),
            "hyperliquid": (None, self.hyperliquid_rest_url),
            "coinglass": (self.coinglass_ws_url, self.coinglass_rest_url),
        }[venue]

    def secrets(self) -> tuple[str, ...]:
        """Return every value that must never be printed."""
        return (*super().secrets(), *self.url_secrets())

    def rules(self) -> Rules:
        """Return what decides, as it is written into the journal."""
        return Rules(**{name: getattr(self, name) for name in Rules.model_fields})


def load_settings(*, env_file: Path | None = Path(".env")) -> tuple[Settings, list[str]]:
    """Return the alert bot's settings, and warnings for the log. Raises ConfigError."""
    return load(Settings, env_file=env_file)


class _RulesAlone(Rules, BaseSettings):
    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,
        nested_model_default_partial_update=True,
    )


def load_rules() -> Rules | None:
    """Return what decides, from the environment alone: a replay reads no file (SEMANTICS 24, 27).

    None if the environment says nothing about it. Raises ConfigError.
    """
    found = build(_RulesAlone)
    if not {name.upper() for name in os.environ} & (names(_RulesAlone).keys() - {"TELEGLAS_CONFIG"}):
        return None
    return Rules(**{name: getattr(found, name) for name in Rules.model_fields})
