"""What the service manager is told, over NOTIFY_SOCKET (sd_notify(3)); without one, nothing is sent."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

__all__ = ["Notifier"]


class Notifier:
    """Tells systemd about readiness, life and end. A manager that does not listen is no error.

    watchdog_s: within how many seconds the next `alive` is due, None if nobody waits for it.
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Notifier:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID as systemd sets them."""
        microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
        mine = not pid or pid == str(os.getpid())
        watched = mine and microseconds.isdigit() and int(microseconds) > 0
        return cls(environ.get("NOTIFY_SOCKET", ""), int(microseconds) / 1e6 if watched else None)

    def ready(self) -> None:
        """Say that the start is done."""
        self._send("READY=1")

    def alive(self) -> None:
        """Say that the work goes on; systemd restarts a service that stays silent."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send("STATUS=" + text.replace("\n", " "))

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.connect(self._address)
                channel.sendall(message.encode())
        except OSError:
            return
