"""Settings come from where they should, and a wrong one is one clear line without its secret."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from teleglas.errors import ConfigError
from teleglas.logs import redact
from teleglas.settings import names
from ws_alert.config import Settings, load_rules, load_settings
from ws_alert.rules import Rules

ROOT = Path(__file__).resolve().parent.parent
ALERT = "123456789:AAcanaryAlertTokenabcdefghijklmnopqrst"
COMMAND = "987654321:AAcanaryBotTokenabcdefghijklmnopqrstuv"
KEY = "0123456789abcdefcanary"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.upper() in names(Settings) or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def _load() -> Settings:
    return load_settings()[0]


def test_without_anything_the_defaults_hold():
    """A fresh machine needs no settings: public feeds, terminal, database and journal under ./data."""
    settings, warnings = load_settings()
    assert (settings.rules(), warnings) == (Rules(), [])
    assert (settings.source_mode, settings.targets, settings.secrets()) == ("auto", (), ())
    assert (settings.database_url, settings.journal_dir) == (
        "sqlite:///data/teleglas.db",
        Path("data/journal"),
    )


def test_one_variable_overrides_one_number(monkeypatch):
    """The other thresholds keep their defaults, which differ from kind to kind."""
    monkeypatch.setenv("THRESHOLDS__LIQUIDATION_STORM__MAJORS_USD", "50000")
    monkeypatch.setenv("THRESHOLDS__WHALE_CLUSTER__MID_CAP_COUNT", "4")
    rules = _load().rules()
    changed = Rules().model_dump()
    changed["thresholds"]["liquidation_storm"]["majors_usd"] = 50_000
    changed["thresholds"]["whale_cluster"]["mid_cap_count"] = 4
    assert rules.model_dump() == changed
    assert load_rules() == rules


def test_environment_then_env_file_then_credentials_then_yaml(tmp_path, monkeypatch):
    """Each source yields to the one before it, number by number."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "LOG_LEVEL").write_text("ERROR")
    (credentials / "TELEGRAM_BOT_TOKEN").write_text(COMMAND + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    yaml = _write(
        tmp_path / "teleglas.yml",
        "log_level: DEBUG\nLOG_FORMAT: json\nwindow_ms: 5000\n"
        "cooldown: {whale_trade_s: 1, global_radar_s: 2}\ngroups: {majors: 'btc, sol'}\nhourly_budget: 7\n",
    )
    monkeypatch.setenv("TELEGLAS_CONFIG", str(yaml))
    _write(tmp_path / ".env", "COOLDOWN__WHALE_TRADE_S=3\nHOURLY_BUDGET=8\nWINDOW_MS=6000\n")
    monkeypatch.setenv("WINDOW_MS", "7000")
    settings = _load()
    assert settings.telegram_bot_token is not None
    assert settings.telegram_bot_token.get_secret_value() == COMMAND
    assert (settings.log_level, settings.log_format) == ("ERROR", "json")
    assert (settings.cooldown.whale_trade_s, settings.cooldown.global_radar_s) == (3, 2)
    assert (settings.hourly_budget, settings.window_ms) == (8, 7_000)
    assert settings.cooldown.liquidation_storm_s == 300
    assert settings.groups.majors == ("BTC", "SOL")


def test_replay_rules_read_no_file(tmp_path):
    """`load_rules` ignores .env, so that a replay beside a live service decides by its own settings."""
    _write(tmp_path / ".env", "WINDOW_MS=6000\n")
    assert load_rules() is None


def test_lists_chats_and_aliases(monkeypatch):
    """Comma lists, topics and the older names work; empty variables count as unset."""
    monkeypatch.setenv("TELEGRAM_ALERT_TOKEN", ALERT)
    monkeypatch.setenv("TELEGRAM_CHAT_ID", "-1001234567890, @my_channel:17,-1001234567890")
    monkeypatch.setenv("TELEGRAM_TOKEN", COMMAND)
    monkeypatch.setenv("WATCH", "btc, eth")
    monkeypatch.setenv("GROUPS__MID_CAP", "doge")
    monkeypatch.setenv("LOG_LEVEL", "")
    settings = _load()
    assert settings.targets == ("-1001234567890", "@my_channel:17")
    assert (settings.watch, settings.groups.mid_cap) == (("BTC", "ETH"), ("DOGE",))
    assert settings.log_level == "INFO"
    assert settings.secrets() == (COMMAND, ALERT)


def test_coins_go_by_any_name(monkeypatch):
    """A setting that would silently match nothing, or everything, is refused by name."""
    monkeypatch.setenv("WATCH", "kPEPE, BTCUSDT,XBT,matic")
    assert _load().watch == ("PEPE", "BTC", "POL")
    for wrong, why in ((",,", "separated by commas"), ("BTC,ETHBTC", "ETHBTC is no coin")):
        monkeypatch.setenv("WATCH", wrong)
        with pytest.raises(ConfigError, match=f"WATCH.*{why}"):
            _load()


def test_the_admin_receives_alerts_where_no_channel_is_set(monkeypatch):
    """A token and one's own chat are enough."""
    monkeypatch.setenv("TELEGRAM_ALERT_TOKEN", ALERT)
    monkeypatch.setenv("TELEGRAM_ADMIN_CHAT_ID", "42")
    assert _load().targets == ("42",)


def test_when_the_digest_comes(monkeypatch):
    """A time, with a zone or in UTC; nothing by default."""
    assert _load().digest_at is None
    for written, read in (("08:00", "08:00 UTC"), ("7:30 asia/jakarta", "07:30 Asia/Jakarta")):
        monkeypatch.setenv("DIGEST_AT", written)
        assert str(_load().digest_at) == read


def test_the_streaming_key_falls_back(monkeypatch):
    """COINGLASS_API_KEY serves both unless the stream has its own."""
    monkeypatch.setenv("COINGLASS_API_KEY", KEY)
    key = _load().coinglass_key
    assert key is not None
    assert key.get_secret_value() == KEY
    monkeypatch.setenv("COINGLASS_API_KEY_WS", KEY + "2")
    key = _load().coinglass_key
    assert key is not None
    assert key.get_secret_value() == KEY + "2"


TWO_TOKENS = {"TELEGRAM_ALERT_TOKEN": ALERT, "TELEGRAM_BOT_TOKEN": ALERT, "TELEGRAM_CHAT_ID": "1"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TELEGRAM_ALERT_TOKEN": "PASTE_YOUR_TOKEN_HERE"}, "TELEGRAM_ALERT_TOKEN: this is a placeholder"),
        ({"TELEGRAM_BOT_TOKEN": "YOUR_TOKEN"}, "TELEGRAM_BOT_TOKEN: this is a placeholder"),
        ({"TELEGRAM_ALERT_TOKEN": ALERT[:20]}, "TELEGRAM_ALERT_TOKEN: this is not a Telegram token"),
        ({"COINGLASS_API_KEY": "YOUR_KEY_HERE"}, "COINGLASS_API_KEY: this is a placeholder"),
        ({"COINGLASS_API_KEY": "two words"}, "COINGLASS_API_KEY: this is not an API key"),
        (TWO_TOKENS, "TELEGRAM_ALERT_TOKEN: it equals TELEGRAM_BOT_TOKEN"),
        ({"TELEGRAM_ALERT_TOKEN": ALERT}, "TELEGRAM_ALERT_CHANNEL_ID: it is missing"),
        ({"TELEGRAM_ALERT_CHANNEL_ID": "-100123"}, "TELEGRAM_ALERT_TOKEN: it is missing"),
        ({"TELEGRAM_ALERT_CHANNEL_ID": "my channel"}, "TELEGRAM_ALERT_CHANNEL_ID: one of its entries"),
        ({"TELEGRAM_ADMIN_CHAT_ID": "me"}, "TELEGRAM_ADMIN_CHAT_ID: input should be a valid integer"),
        ({"SOURCE_MODE": "coinglass"}, "COINGLASS_API_KEY: SOURCE_MODE=coinglass needs it"),
        ({"SOURCE_MODE": "binance"}, "SOURCE_MODE: input should be 'auto', 'public'"),
        ({"BINANCE_WS_URL": "https://x"}, "BINANCE_WS_URL: this is not an address. Write it as wss://"),
        ({"BYBIT_REST_URL": "http://x:y"}, "BYBIT_REST_URL: this is not an address. Write it as https://"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: input should be 'DEBUG'"),
        ({"JOURNAL_KEEP_HOURS": "0"}, "JOURNAL_KEEP_HOURS: input should be greater than 0. The default is 48"),
        ({"THRESHOLDS__LIQUIDATION_STORM__MAJORS_USD": "-1"}, "THRESHOLDS__LIQUIDATION_STORM__MAJORS_USD: input should be greater"),
        ({"THRESHOLDS__LIQUIDATION_STORM__MAJOR_USD": "5"}, "Did you mean THRESHOLDS__LIQUIDATION_STORM__MAJORS_USD?"),
        ({"THRESHOLD__LIQUIDATION_STORM__MAJORS_USD": "5"}, "Did you mean THRESHOLDS__LIQUIDATION_STORM__MAJORS_USD?"),
        ({"COOLDOWNS__WHALE_TRADE_S": "5"}, "Did you mean COOLDOWN__WHALE_TRADE_S?"),
        ({"TELEGRAM_ALERT_TOKENS": ALERT}, "Did you mean TELEGRAM_ALERT_TOKEN?"),
        ({"DIGEST_AT": "25:00"}, "DIGEST_AT: '25:00' is no time of day. Write it as 08:00."),
        ({"DIGEST_AT": "08:00 Asia/Jakata"}, "DIGEST_AT: 'Asia/Jakata' is no time zone. Near are Asia/Jakarta"),
        ({"THRESHOLDS": "5"}, "THRESHOLDS: "),
        ({"TELEGLAS_CONFIG": "missing.yml"}, "TELEGLAS_CONFIG: missing.yml cannot be read"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line_without_its_secret(monkeypatch, variables, said):
    """It names the setting, the problem and the remedy."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    line = str(caught.value)
    assert said in line
    assert "\n" not in line
    assert re.match(r"[A-Z_]+: .+[.] .+", line)
    assert ALERT not in line
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML at line"),
        ("just words", "holds no settings"),
        ("log_levle: INFO", "Did you mean LOG_LEVEL?"),
        ("thresholds: {whale_trade: {majors: 1}}", "Did you mean THRESHOLDS__WHALE_TRADE__MAJORS_USD?"),
    ],
)
def test_a_wrong_yaml_file_is_one_line(tmp_path, monkeypatch, text, said):
    """The optional file is checked as strictly as the environment."""
    monkeypatch.setenv("TELEGLAS_CONFIG", str(_write(tmp_path / "x.yml", text)))
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_settings()


def test_env_file_that_others_can_read(tmp_path):
    """A token that everybody can read is refused; a file without one is only warned about."""
    path = _write(tmp_path / ".env", f"TELEGRAM_BOT_TOKEN={COMMAND}\n", 0o644)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        load_settings()
    assert COMMAND not in str(caught.value)
    path.chmod(0o640)
    assert ["chmod 600" in each for each in load_settings()[1]] == [True]
    path.chmod(0o600)
    assert load_settings()[1] == []
    _write(path, "LOG_LEVEL=DEBUG\n", 0o644)
    settings, warnings = load_settings()
    assert settings.log_level == "DEBUG"
    assert len(warnings) == 1


def test_unknown_names_in_the_env_file(tmp_path):
    """A slip in .env stops the program, a stranger's variable is told and ignored."""
    _write(tmp_path / ".env", "COMPOSE_PROJECT_NAME=x\n")
    assert load_settings()[1] == ["COMPOSE_PROJECT_NAME in .env is not a setting of TELEGLAS and is ignored"]
    _write(tmp_path / ".env", "SOURCE_MOD=public\n")
    with pytest.raises(ConfigError, match="Did you mean SOURCE_MODE"):
        load_settings()


def test_an_unreadable_env_file_is_told(tmp_path):
    """Bytes that are no text are named, not crashed on."""
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00LOG")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings()


def test_secrets_are_not_printed(monkeypatch):
    """Neither `repr` nor a dump shows a token, a key or the database's password."""
    monkeypatch.setenv("TELEGRAM_ALERT_TOKEN", ALERT)
    monkeypatch.setenv("TELEGRAM_CHAT_ID", "1")
    monkeypatch.setenv("COINGLASS_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:canarypass@localhost/x")
    settings = _load()
    assert set(settings.secrets()) == {ALERT, KEY, "canarypass"}
    for secret in settings.secrets():
        assert secret not in repr(settings) + str(settings.model_dump(exclude={"database_url"}))


MAIL = {"ALERT_EMAIL_TO": "a@example.com, B@example.com", "SMTP_HOST": "smtp.example.com", "SMTP_USER": "bot@example.com",
        "SMTP_PASSWORD": "canary-mail"}  # fmt: skip


def _set(monkeypatch, values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_channels_beside_telegram(monkeypatch):
    """Each address is a target of its own whose name hides it; ports follow the security; URLs are secrets."""
    urls = "discord://123456789/canary0token0discord, json://user:canarypw@127.0.0.1:80/x,y slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    _set(monkeypatch, MAIL | {"ALERT_URLS": urls, "ADMIN_EMAIL_TO": "me@example.com"})
    settings = _load()
    assert settings.account is not None
    assert (settings.account.port, settings.account.security, settings.account.sender) == (
        587,
        "starttls",
        "bot@example.com",
    )
    assert list(settings.mail_targets.values()) == ["a@example.com", "B@example.com"]
    assert [target.partition("-")[0].partition(":")[0] for target in settings.targets_beside] == [
        "mail"
    ] * 2 + ["url"] * 3
    shown = " ".join(settings.targets_beside) + repr(settings) + repr(settings.account)
    assert "canary" not in shown
    redacted = redact(
        f"posting to {urls} with TIiajkdnlazkcOXrIdevi7FQ, canarypw, canary0token0discord", settings.secrets()
    )
    assert "canary" not in redacted
    assert "TIiaj" not in redacted
    monkeypatch.setenv("SMTP_SECURITY", "tls")
    assert _load().account.port == 465


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"SMTP_HOST": ""}, "SMTP_HOST"),
        ({"SMTP_PASSWORD": ""}, "SMTP_USER"),
        ({"SMTP_PASSWORD": "canary-mäil"}, "SMTP_PASSWORD"),
        ({"SMTP_USER": "bot"}, "SMTP_FROM"),
        ({"SMTP_SECURITY": "none"}, "SMTP_SECURITY"),
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY"),
        ({"SMTP_PORT": "70000"}, "SMTP_PORT"),
        ({"ALERT_EMAIL_TO": "a@example.com, not an address"}, "ALERT_EMAIL_TO"),
        ({"ALERT_EMAIL_TO": "a@example.com\nBcc: b@example.com"}, "ALERT_EMAIL_TO"),
        ({"ALERT_URLS": "canary-without-scheme"}, "ALERT_URLS"),
        ({"HEALTH_PORT": "-1"}, "HEALTH_PORT"),
    ],
)
def test_a_wrong_channel_is_named(monkeypatch, changes, blamed):
    """One line names the setting and not its value."""
    _set(monkeypatch, MAIL | changes)
    with pytest.raises(ConfigError) as wrong:
        _load()
    assert str(wrong.value).startswith(f"{blamed}: ")
    assert "canary" not in str(wrong.value)
    assert "\n" not in str(wrong.value)
