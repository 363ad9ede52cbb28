"""`/metrics`, `/healthz` and `/readyz` on 127.0.0.1, in a thread with an event loop of its own.

It reads only what the main loop published last: no request can slow a decision down, and a main
loop that hangs is seen by the age of what it published.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from teleglas.errors import ConfigError
from ws_alert.health import HealthStatus, Metric

__all__ = ["HUNG_S", "HealthServer"]

HUNG_S = 10.0
"""A main loop that has published nothing for so long hangs."""

_STOP_S = 2.0


class _Published(NamedTuple):
    status: HealthStatus
    metrics: tuple[Metric, ...]
    at_s: float


class HealthServer:
    """Answers on 127.0.0.1 from `start` to `stop`; `port` 0 takes a free one, told by `port`.

    /healthz is 200 while the main loop turns; /readyz while also data comes in and alerts can be
    stored (for Docker, which has one check). Raises ConfigError if the port is taken.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
            self._socket.listen()  # only then another process can no longer take the port
        except OSError as error:
            self._socket.close()
            raise ConfigError("HEALTH_PORT", f"{port} cannot be used ({error.strerror})", "Choose another port, or 0 for none") from None  # fmt: skip
        self.port: int = self._socket.getsockname()[1]
        self._published: _Published | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        app = Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
            ]
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=32,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="health", daemon=True
        )

    def publish(self, status: HealthStatus, metrics: tuple[Metric, ...]) -> None:
        """Let these be the answers from now on."""
        self._published = _Published(status, metrics, time.monotonic())

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, within two seconds."""
        self._server.should_exit = True
        self._thread.join(_STOP_S)
        self._socket.close()

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Give prometheus_client the published figures."""
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for metric in self._published.metrics if self._published else ():
            family = families.get(metric.name)
            if family is None:
                kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
                names = [name for name, _ in metric.labels]
                family = families[metric.name] = kind(metric.name, metric.help, labels=names)
            family.add_metric([value for _, value in metric.labels], metric.value)
        yield from families.values()

    def _hangs(self) -> bool:
        published = self._published
        return published is None or time.monotonic() - published.at_s > HUNG_S

    async def _healthz(self, _: Request) -> Response:
        hangs = self._hangs()
        return JSONResponse({"ok": not hangs}, 503 if hangs else 200)

    async def _readyz(self, _: Request) -> Response:
        problems = list(self._published.status.problems) if self._published else []
        if self._hangs():
            problems.insert(0, "the program hangs or has not started yet")
        return JSONResponse({"ready": not problems, "problems": problems}, 503 if problems else 200)

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
