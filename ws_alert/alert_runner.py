"""The alert bot's command line: `run` (also without a word), `scan`, `replay`, `learn`, `backtest`, `doctor`.

Exit codes: 0 ended as asked, 1 failed, 65 unreadable replay file, 73 unwritable output, 75 another instance
runs, 78 wrong setting (systemd does not restart after it).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

if not __package__:
    # `python ws_alert/alert_runner.py` puts this folder first; our packages are one above it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ws_alert import compiled

if __name__ == "__main__":
    # before anything below imports what is compiled
    compiled.use()

import msgspec
import structlog
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from teleglas import logs
from teleglas.errors import AlreadyRunning, ConfigError, InputError, OutputError, TeleglasError
from teleglas.locks import lock_token
from teleglas.systemd import Notifier
from ws_alert.config import Settings, load_rules, load_settings
from ws_alert.service import serve
from ws_alert.sources.candle_files import CandleFile, parse
from ws_alert.sources.interest_files import parse as parse_interest

__all__ = ["main"]

log = structlog.get_logger("ws_alert")

app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False)

_EXIT_CODES = {
    ConfigError: os.EX_CONFIG,
    InputError: os.EX_DATAERR,
    OutputError: os.EX_CANTCREAT,
    AlreadyRunning: os.EX_TEMPFAIL,
}
_Tapes = Annotated[
    list[Path] | None, typer.Option(help="CSV files: ts_ms,exchange,symbol,side,price,qty,usd")
]
_Interest = Annotated[
    list[str] | None,
    typer.Option(help="CSV files: ts_ms,exchange,symbol,oi_usd; VENUE=FILE without exchange"),
]
_CSV_OPTIONS = ("--liquidations", "--trades", "--candles", "--funding", "--open-interest")


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    """Watch the derivatives markets and tell what matters: in Telegram, or here without a token."""
    if context.invoked_subcommand is None:
        run()


@app.command()
def run(
    summary: Annotated[
        Path | None, typer.Option(help="Where the counts go at the end, as one JSON object.")
    ] = None,
) -> None:
    """Watch the markets and send alerts until SIGTERM or Ctrl-C."""
    _serve(summary, scanner_alone=False)


@app.command()
def scan(
    summary: Annotated[
        Path | None, typer.Option(help="Where the counts go at the end, as one JSON object.")
    ] = None,
) -> None:
    """Run the candle scanner alone, without liquidations and trades.

    Beside a running alert process it needs a DATABASE_URL, JOURNAL_DIR and token of its own;
    SCANNER__ENABLED=true makes that process scan instead.
    """
    _serve(summary, scanner_alone=True)


def _serve(summary: Path | None, *, scanner_alone: bool) -> None:
    signal.signal(signal.SIGTERM, _leave)
    settings, warnings = load_settings()
    _configure_logs(settings)
    for warning in warnings:
        log.warning("settings", note=warning)
    from teleglas.storage.opening import lock_store  # noqa: PLC0415 - `replay` and `--help` start faster without

    with ExitStack() as held:
        if settings.telegram_alert_token is not None:
            token = settings.telegram_alert_token.get_secret_value()
            held.enter_context(lock_token(token, setting="TELEGRAM_ALERT_TOKEN"))
        held.callback(lock_store(settings.database_url).release)
        from ws_alert import process  # noqa: PLC0415 - as above

        async def work(stop: asyncio.Event, ready: Callable[[], None], alive: Callable[[], None]) -> None:
            report = await process.run(settings, stop, ready, alive, scanner_alone=scanner_alone)
            if summary is not None:
                await asyncio.to_thread(summary.write_bytes, msgspec.json.encode(report))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(work, Notifier.from_environment()))


@app.command()
def replay(
    journals: Annotated[list[Path] | None, typer.Argument(help="Folders or files of the journal.")] = None,
    *,
    out: Annotated[Path, typer.Option(help="Where the decisions go, one JSON object a line.")],
    liquidations: _Tapes = None,
    trades: _Tapes = None,
    candles: Annotated[
        list[str] | None,
        typer.Option(help="SYMBOL:TIMEFRAME=FILE with open_ts_ms,open,high,low,close,volume"),
    ] = None,
    funding: Annotated[
        list[str] | None,
        typer.Option(help="CSV files: ts_ms,exchange,symbol,rate[,interval_h]; VENUE=FILE without exchange"),
    ] = None,
    open_interest: _Interest = None,
    findings: Annotated[
        Path | None, typer.Option(help="Where starts and ends of episodes go, one JSON object a line.")
    ] = None,
) -> None:
    """Decide again on recorded input, without network, token or database.

    CSV files may be packed with gzip, and several may follow one option. Thresholds and
    cooldowns come from the environment, e.g. THRESHOLDS__LIQUIDATION_STORM__MAJORS_USD=50000.
    A funding rate is a fraction per its interval, positive where longs pay; without interval_h
    the interval is the time since the contract's row before, in whole hours. Open interest
    counts one side, in USD.
    """
    if not (journals or liquidations or trades or candles or funding or open_interest):
        raise typer.BadParameter(f"Name a journal, or CSV files with {', '.join(_CSV_OPTIONS)}.")
    candle_files = _candle_files(candles)
    rates, interest = ([parse_interest(each) for each in given or ()] for given in (funding, open_interest))
    rules = load_rules()
    logs.configure(level="WARNING")
    from ws_alert.sources.replay import replay as decide_again  # noqa: PLC0415 - see `run`

    files = [*(journals or []), *(liquidations or []), *(trades or [])]
    files += [*(file.path for file in candle_files), *(file.path for file in rates + interest)]
    _hold_apart(files, *(each for each in (out, findings) if each))
    with _progress("replaying", sum(map(_bytes, files))) as progress:
        summary = decide_again(
            journals=journals or [],
            liquidations=liquidations or [],
            trades=trades or [],
            candles=candle_files,
            funding=rates,
            interest=interest,
            out=out,
            findings=findings,
            rules=rules,
            progress=progress,
        )
    for title, counts in (
        ("decisions", summary.decisions),
        ("episodes", summary.findings),
        ("refused", summary.refused),
    ):
        told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
        typer.echo(f"{title}: {told}")
    for timeframe, passed in summary.funnel.items():
        typer.echo(f"scanner {timeframe}: {', '.join(f'{name} {count}' for name, count in passed.items())}")
    for path, offset, reason in summary.damage:
        typer.echo(f"damaged: {path} from byte {offset} on ({reason}); that part was left out")
    if summary.unknown:
        typer.echo(f"left out: {summary.unknown} records of a kind that only a newer version knows")
    if summary.first_broken is not None:
        number, error = summary.first_broken
        typer.echo(
            f"left out: {summary.broken} records that break the engine; the first is number {number} ({error})"
        )
    typer.echo(f"inputs: {summary.inputs} over {summary.span_ms / 3_600_000:.2f} h")


@app.command()
def learn(
    *,
    trades: _Tapes = None,
    liquidations: _Tapes = None,
    open_interest: _Interest = None,
) -> None:
    """Learn from recorded files what is normal for each asset, into DATABASE_URL, and alert nobody.

    For volume spikes, diverging open interest and adaptive thresholds from the first minute on: without it the service
    collects 6 h, 15 min and 24 h of its own first. The files tell of the time right before the start; the service must
    not run meanwhile. Minutes that the database has already are left as they are.
    """
    if not (trades or liquidations or open_interest):
        raise typer.BadParameter("Name CSV files with --trades, --liquidations or --open-interest.")
    interest = [parse_interest(each) for each in open_interest or ()]
    settings, _ = load_settings()
    logs.configure(level="WARNING", secrets=settings.secrets())
    from teleglas.storage.opening import lock_store  # noqa: PLC0415 - see `run`
    from teleglas.storage.store import open_store  # noqa: PLC0415 - see `run`
    from ws_alert.learning import learn as take_in  # noqa: PLC0415 - see `run`

    files = [*(trades or []), *(liquidations or []), *(file.path for file in interest)]
    with ExitStack() as held:
        held.callback(lock_store(settings.database_url).release)
        store = open_store(settings.database_url)
        held.callback(store.close)
        progress = held.enter_context(_progress("learning", sum(map(_bytes, files))))
        learned = take_in(
            store, settings.rules(), trades=trades or [], liquidations=liquidations or [], interest=interest,
            now_ms=time.time_ns() // 1_000_000, progress=progress,
        )  # fmt: skip
    told = ", ".join(f"{name} {count}" for name, count in sorted(learned.refused.items())) or "none"
    typer.echo(f"learned: {learned.minutes} min of {learned.rows} rows; refused: {told}")


@app.command()
def backtest(
    *,
    candles: Annotated[
        list[str], typer.Option(help="SYMBOL:TIMEFRAME=FILE with open_ts_ms,open,high,low,close,volume")
    ],
    fees_bps: Annotated[float, typer.Option(min=0, help="Fee a side, in basis points of the price.")] = 5.0,
    slippage_bps: Annotated[
        float, typer.Option(min=0, help="Slippage of entry and stop, in basis points of the price.")
    ] = 1.0,
    picture: Annotated[Path | None, typer.Option(help="Where the result goes as a picture (PNG).")] = None,
) -> None:
    """Tell what became of the candle scanner's alerts: target or stop first, after costs.

    Decided by the same code as live; SCANNER__MODE and the like come from the environment.
    """
    rules = load_rules()
    logs.configure(level="WARNING")
    from ws_alert.backtest import report  # noqa: PLC0415 - see `run`
    from ws_alert.backtest.outcomes import Costs  # noqa: PLC0415 - see `run`
    from ws_alert.backtest.scanner import backtest as examine  # noqa: PLC0415 - see `run`
    from ws_alert.rules import Rules  # noqa: PLC0415 - see `run`

    files = _candle_files(candles)
    with _progress("replaying", sum(_bytes(file.path) for file in files)) as progress:
        found = examine(files, rules or Rules(), Costs(fees_bps, slippage_bps), progress)
    report.show(found, Console(highlight=False))
    if picture is not None:
        from teleglas.charts.draw_rates import rates_png  # noqa: PLC0415 - matplotlib only where it is asked for

        picture.write_bytes(rates_png(report.picture(found)))


@app.command()
def doctor() -> None:
    """Check settings, tokens, chats, feeds, clock, database and disk, and say what to do."""
    from ws_alert.doctor import examine  # noqa: PLC0415 - see `run`

    raise typer.Exit(0 if examine(Console(highlight=False)) else 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; every error of ours is one line on standard error."""
    try:
        app(spread(list(sys.argv[1:] if arguments is None else arguments)), prog_name="alert_runner")
    except TeleglasError as error:
        print(" ".join(str(error).split()), file=sys.stderr)  # noqa: T201 - logs may not be configured yet
        codes = (code for kind, code in _EXIT_CODES.items() if isinstance(error, kind))
        return next(codes, 1)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def spread(arguments: Sequence[str]) -> list[str]:
    """Let several CSV files follow one option, as in `--trades a.csv b.csv.gz`."""
    result: list[str] = []
    option = ""
    for each in arguments:
        if each.startswith("-"):
            option = each if each in _CSV_OPTIONS else ""
        elif option and result[-1] != option and each.lower().endswith((".csv", ".csv.gz")):
            result.append(option)
        elif result and result[-1] != option:
            option = ""
        result.append(each)
    return result


def _candle_files(arguments: Sequence[str] | None) -> list[CandleFile]:
    try:
        return [parse(each) for each in arguments or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)


def _configure_logs(settings: Settings) -> None:
    try:
        logs.configure(
            level=settings.log_level,
            form=settings.log_format,
            file=settings.log_file,
            rotation=settings.log_rotation,
            secrets=settings.secrets(),
        )
    except OSError as error:
        raise ConfigError(
            "LOG_FILE",
            f"{settings.log_file} cannot be written ({error.strerror})",
            "Name a file in a folder that this user may write, or remove the setting",
        ) from None


def _hold_apart(inputs: Sequence[Path], *outputs: Path) -> None:
    """Raise OutputError if a file is to be written that is also read, or two outputs are one."""
    taken = {each.resolve() for path in inputs for each in (path, *(path.iterdir() if path.is_dir() else ()))}
    for path in outputs:
        if path.resolve() in taken:
            raise OutputError(f"{path} is named twice: writing it would destroy it. Name another file")
        taken.add(path.resolve())


def _bytes(path: Path) -> int:
    try:
        return sum(each.stat().st_size for each in (path.iterdir() if path.is_dir() else [path]))
    except OSError:
        return 0  # the replay itself says what is wrong with the file


@contextmanager
def _progress(title: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Give a function that takes how many bytes more were read, and shows it on a terminal only."""
    console = Console(stderr=True)
    columns = TextColumn(title), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total_bytes)
        yield lambda more: bar.advance(task, more)


if __name__ == "__main__":
    sys.exit(main())
