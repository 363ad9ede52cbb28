"""The process that draws: pictures in by stdin, PNGs out by stdout, until stdin ends.

A process of its own keeps matplotlib's 100 MB and its 150 ms of work away from the one
that watches the market. When that one dies, however it dies, stdin ends and so does this.

A message either way is four bytes of length (big-endian) and a body. In: a `Picture` as
MessagePack. Out: the PNG; a body that starts otherwise is the text of an error. The
first thing out is an empty body: the libraries are loaded and drawing is quick from now on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from teleglas.charts.picture import (
    AnyPicture,
    CandlePicture,
    HeatPicture,
    LinePicture,
    MarketPicture,
    OverviewPicture,
    Picture,
    RowsPicture,
)

__all__ = ["LENGTH", "PNG_START", "main"]

LENGTH = struct.Struct(">I")
PNG_START = b"\x89PNG\r\n\x1a\n"


def main() -> None:
    """Draw until stdin ends."""
    # Ctrl-C reaches the whole foreground group; the parent decides when drawing stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break the dialogue
    from teleglas.charts import draw, draw_candles, draw_heat, draw_lines, draw_market, draw_rows  # noqa: PLC0415 - only this process may load matplotlib

    drawers: dict[type, Callable[[Any], bytes]] = {
        Picture: draw.png,
        LinePicture: draw_lines.lines_png,
        HeatPicture: draw_heat.heat_png,
        OverviewPicture: draw_lines.overview_png,
        CandlePicture: draw_candles.candles_png,
        RowsPicture: draw_rows.rows_png,
        MarketPicture: draw_market.market_png,
    }

    draw.warm_up()
    decoder = msgspec.msgpack.Decoder(AnyPicture)
    # A parent that went away in the middle is the ordinary end.
    with contextlib.suppress(BrokenPipeError):
        _answer(out, b"")
        while body := _read(sys.stdin.buffer):
            try:
                picture = decoder.decode(body)
                drawn = drawers[type(picture)](picture)
            except Exception as error:  # noqa: BLE001 - one bad picture must not end the worker; the parent logs it
                drawn = f"{type(error).__name__}: {error}".encode()
            _answer(out, drawn)


def _read(source: BinaryIO) -> bytes:
    size = source.read(LENGTH.size)
    return source.read(LENGTH.unpack(size)[0]) if len(size) == LENGTH.size else b""


def _answer(out: BinaryIO, body: bytes) -> None:
    out.write(LENGTH.pack(len(body)))
    out.write(body)
    out.flush()


if __name__ == "__main__":
    main()
