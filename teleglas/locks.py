"""Locks that the operating system holds for a process and releases when it dies.

The file is never unlinked and its content never believed: `flock` alone decides, so neither
a stale file after a power cut nor a reused process id can confuse it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Self

from teleglas.errors import AlreadyRunning

__all__ = ["FileLock", "lock_token", "runtime_folder"]


class FileLock:
    """An exclusive `flock` on one file, held until `release` or the end of the process.

    Raises AlreadyRunning, with `told` as its text, when another open file holds the lock.
    """

    def __init__(self, path: Path, *, told: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise AlreadyRunning(told) from None

    def release(self) -> None:
        """Let another process have it; harmless when called twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def runtime_folder() -> Path:
    """Return where locks live: systemd's RUNTIME_DIRECTORY, else the user's, else one under /tmp."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    of_user = os.environ.get("XDG_RUNTIME_DIR", "")
    if of_user and os.access(of_user, os.W_OK):
        return Path(of_user) / "teleglas"
    return Path(tempfile.gettempdir()) / f"teleglas-{os.getuid()}"


def lock_token(token: str, *, setting: str, folder: Path | None = None) -> FileLock:
    """Hold the one place of this Telegram token on this machine.

    The file's name is a hash, so that a listing of the folder does not show the token.
    Raises AlreadyRunning.
    """
    name = hashlib.sha256(token.encode()).hexdigest()[:32]
    told = (
        f"{setting}: another TELEGLAS process on this machine uses this token. "
        "Stop it (systemctl stop teleglas-alert), or give each process its own token from @BotFather"
    )
    return FileLock((folder or runtime_folder()) / f"token-{name}.lock", told=told)
