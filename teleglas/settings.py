"""Settings that both bots share, and how settings are found, checked and complained about.

Order: environment, `.env`, systemd credentials (one file each in CREDENTIALS_DIRECTORY),
the YAML file named by TELEGLAS_CONFIG, defaults. One wrong setting stops the program with one
line that says what to do; a misspelt name is found, not ignored.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped]
from dotenv import dotenv_values
from pydantic import AfterValidator, AliasChoices, BaseModel, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from teleglas.errors import ConfigError
from teleglas.setting_names import SETTING_NAMES

__all__ = ["ApiKey", "HttpUrl", "SharedSettings", "Token", "WsUrl", "build", "load", "names", "wrong"]

_TOKEN = re.compile(r"\d{6,12}:[A-Za-z0-9_-]{30,}\Z")
_PLACEHOLDER = re.compile(
    r"\W*(paste|your|change|replace|enter|insert|put|xxx|todo|token|dummy)", re.IGNORECASE
)
_SECRET_NAME = re.compile(r"TOKEN|API_KEY|PASSWORD|ALERT_URLS")
_NEAR: Final = 0.88
_NEAR_GROUP: Final = 0.75


def wrong(problem: str, remedy: str, *, name: str = "") -> NoReturn:
    """Refuse a value from within a validator; neither text may contain a secret.

    name: the setting to blame where the validator is that of several.
    """
    raise PydanticCustomError("setting", "{problem}", {"problem": problem, "remedy": remedy, "name": name})


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if _PLACEHOLDER.match(text):
        wrong("this is a placeholder, not a token", "Put the token that @BotFather gave you")
    if not _TOKEN.match(text):
        wrong(
            "this is not a Telegram token (digits, a colon, 30 or more letters)",
            "Copy it whole from @BotFather",
        )
    return value


def _api_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if _PLACEHOLDER.match(text):
        wrong(
            "this is a placeholder, not a key",
            "Put your CoinGlass key, or remove the line to use public feeds",
        )
    if not re.fullmatch(r"[\x21-\x7e]{8,}", text):
        wrong("this is not an API key", "Copy it whole from coinglass.com/account, without spaces or quotes")
    return value


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            sound = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            sound = False
        if not sound:
            wrong("this is not an address", f"Write it as {schemes[-1]}://host[:port][/path]")
        return value.rstrip("/")

    return AfterValidator(check)


Token = Annotated[SecretStr, AfterValidator(_token)]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
HttpUrl = Annotated[str, _url("http", "https")]
WsUrl = Annotated[str, _url("ws", "wss")]


class SharedSettings(BaseSettings):
    """What both bots read."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,
        nested_model_default_partial_update=True,
        dotenv_filtering="only_existing",
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    telegram_bot_token: Token | None = Field(
        None, validation_alias=AliasChoices("telegram_bot_token", "telegram_token")
    )
    telegram_admin_chat_id: int | None = None
    telegram_api_base_url: HttpUrl = "https://api.telegram.org"
    coinglass_api_key: ApiKey | None = None
    database_url: str = Field("sqlite:///data/teleglas.db", repr=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"
    log_file: Path | None = None
    log_rotation: Literal["size", "day"] = "size"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the YAML file below the environment, `.env` and the credentials."""
        from_yaml = InitSettingsSource(settings_cls, _read_yaml(os.environ.get("TELEGLAS_CONFIG", "")))
        return init_settings, env_settings, dotenv_settings, file_secret_settings, from_yaml

    def secrets(self) -> tuple[str, ...]:
        """Return every value that must never be printed."""
        values = (getattr(self, name) for name in type(self).model_fields)
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        password = urlsplit(self.database_url).password
        return tuple(found + ([password] if password else []))


B = TypeVar("B", bound=BaseSettings)
S = TypeVar("S", bound=SharedSettings)


def load(cls: type[S], *, env_file: Path | None = Path(".env")) -> tuple[S, list[str]]:
    """Return the settings, and warnings for the log.

    Raises ConfigError: one line, for the first thing that is wrong.
    """
    in_file = _read_env_file(env_file)
    warnings = _check_permissions(env_file, in_file)
    warnings += [
        f"{name} in {env_file} is not a setting of TELEGLAS and is ignored"
        for name in in_file
        if name.upper() not in SETTING_NAMES
    ]
    credentials = os.environ.get("CREDENTIALS_DIRECTORY") or None
    return build(cls, in_file, _env_file=env_file, _secrets_dir=credentials), warnings


def build(cls: type[B], also: Iterable[str] = (), **where: Any) -> B:
    """Return settings of `cls`; names in the environment and in `also` are checked for slips.

    where: what pydantic-settings takes (`_env_file`, `_secrets_dir`). Raises ConfigError.
    """
    known = names(cls)
    _check_names([name for name in (*os.environ, *also) if name.upper() not in SETTING_NAMES], known)
    try:
        return cls(**where)
    except ValidationError as error:
        raise _translate(error, known) from None
    except SettingsError as error:
        raise ConfigError(str(error), "it cannot be read", "See .env.example") from None


def names(cls: type[BaseSettings]) -> dict[str, Any]:
    """Return every name that may be set, upper-case and nested by `__`, with its default.

    Aliases are included, with the default of what they stand for.
    """
    return {"TELEGLAS_CONFIG": None} | dict(_names_of(cls, None, ""))


def _names_of(cls: type[BaseModel], defaults: BaseModel | None, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, field in cls.model_fields.items():
        value = field.get_default(call_default_factory=True) if defaults is None else getattr(defaults, name)
        if isinstance(value, BaseModel):
            yield from _names_of(type(value), value, f"{prefix}{name.upper()}__")
            continue
        alias = field.validation_alias
        for spelt in alias.choices if isinstance(alias, AliasChoices) else [name]:
            yield f"{prefix}{spelt}".upper(), value


def _read_env_file(path: Path | None) -> Mapping[str, str | None]:
    if path is None or not path.is_file():
        return {}
    try:
        return dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"it cannot be read ({type(error).__name__})", "Make it a UTF-8 text file that this user may read") from None  # fmt: skip


def _check_permissions(path: Path | None, values: Mapping[str, str | None]) -> list[str]:
    if path is None or not values:
        return []
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o044:
        return []
    secret = any(value and _SECRET_NAME.search(name.upper()) for name, value in values.items())
    if secret and mode & 0o004:
        raise ConfigError(str(path), "it holds a token and every user of this machine can read it", f"Type: chmod 600 {path}")  # fmt: skip
    return [f"{path} can be read by other users (mode {mode:o}); type: chmod 600 {path}"]


def _check_names(given: Iterable[str], known: Mapping[str, Any]) -> None:
    groups = {name.partition("__")[0] for name in known if "__" in name}
    for name in given:
        upper = name.upper()
        if upper in known:
            continue
        head, nested, _ = upper.partition("__")
        ours = bool(nested) and bool(get_close_matches(head, groups, 1, _NEAR_GROUP))
        if ours or get_close_matches(upper, known, 1, _NEAR):
            raise _unknown(name, known)


def _unknown(name: str, known: Iterable[str]) -> ConfigError:
    near = get_close_matches(name.upper(), list(known), 1, 0.5)
    return ConfigError(
        name, "there is no such setting", f"Did you mean {near[0]}?" if near else "See .env.example"
    )


def _read_yaml(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("TELEGLAS_CONFIG", f"{path} cannot be read ({type(error).__name__})", "Name a YAML file that this user may read, or remove it") from None  # fmt: skip
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(
            "TELEGLAS_CONFIG", f"{path} is not YAML{where}", "Write `name: value` lines"
        ) from None
    if not isinstance(content, dict | None):
        raise ConfigError("TELEGLAS_CONFIG", f"{path} holds no settings", "Write `name: value` lines")
    return _lower(content or {})


def _lower(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name).lower(): _lower(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
    }


def _translate(error: ValidationError, known: Mapping[str, Any]) -> ConfigError:
    found = error.errors(include_url=False, include_input=False)
    first = found[0]
    name = "__".join(str(part) for part in first["loc"] if isinstance(part, str)).upper()
    if first["type"] == "extra_forbidden":
        return _unknown(name, known)
    if first["type"] == "setting":
        context = first["ctx"]
        return ConfigError(context["name"] or name, context["problem"], context["remedy"])
    default = known.get(name)
    remedy = "See .env.example" if default is None else f"The default is {default}"
    return ConfigError(name, first["msg"][0].lower() + first["msg"][1:], remedy)
