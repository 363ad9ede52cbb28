"""Slack, Discord, ntfy, plain webhooks and a hundred more, through apprise: one URL, one target.

Nothing is edited there: apprise cannot, and a post for each growth of a storm would be noise. A
message that has doubled comes as a new one. apprise answers true or false; what lies behind a
false is read from what it logs, and never logged by us, since its lines can hold the URL.
"""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from apprise import (
    Apprise,
    AppriseAsset,
    AppriseAttachment,
    NotifyBase,
    NotifyFormat,
    NotifyType,
    OverflowMode,
)
from apprise.attachment.memory import AttachMemory

from teleglas.errors import ConfigError
from teleglas.telegram.text import plain
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.targets import url_target
from ws_alert.messages import Outcome, OutcomeKind

__all__ = ["WebhookChannel", "judged"]

_AGAIN_MS = 60_000
_CODE = re.compile(r"\berror=(\d{3})\b")
_NOT_WRITTEN = re.compile(
    r"NewConnectionError|ConnectTimeout|NameResolutionError|Name or service|SSLError|SSLCertVerification|InvalidURL"
)
_GONE = {401, 403, 404, 410}
_LATER = {408, 409, 425, 429}
_TITLE_CHARS = 200


class WebhookChannel:
    """Posts by apprise's URLs (https://github.com/caronc/apprise#supported-notifications).

    Raises ConfigError, naming the place in the list but not the URL, for one that apprise does not know.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        _keep_to_itself()
        self._services: Mapping[str, NotifyBase] = {
            url_target(url): _service(url, number) for number, url in enumerate(urls, 1)
        }
        self._busy: set[str] = set()
        self._threads = ThreadPoolExecutor(max(1, len(self._services)), thread_name_prefix="webhook")

    async def close(self) -> None:
        """Start no more posts."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def names(self) -> dict[str, str]:
        """Return each target's service, such as `Discord`."""
        return {target: str(service.service_name) for target, service in self._services.items()}

    async def send(
        self, message: Rendered, *, target: str, reply_to: int | None = None, silent: bool = False
    ) -> Outcome:
        """Post `message`; SENT has no message id, so no edit follows."""
        del reply_to
        service = self._services.get(target)
        if service is None:
            return Outcome(OutcomeKind.UNDELIVERABLE, why="its URL is no longer in ALERT_URLS")
        if target in self._busy:
            return Outcome(
                OutcomeKind.RETRY_AT, wait_ms=_AGAIN_MS, why="its last post still waits for an answer"
            )
        self._busy.add(target)
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, _post, service, message, silent or message.silent
        )
        # A caller that gives up does not free the thread: only its end does.
        work.add_done_callback(lambda _: self._busy.discard(target))
        return await asyncio.shield(work)

    async def edit(self, message: Rendered, *, target: str, message_id: int, has_photo: bool) -> Outcome:
        """Count an edit as told: nothing can be changed."""
        del message, target
        return Outcome(OutcomeKind.SENT, message_id=message_id, photo=has_photo)


def judged(said: Sequence[str]) -> Outcome:
    """Decide what a failed post means from what apprise said of it. Pure.

    A code of 4xx other than 408, 409, 425, 429: refused for good, and 401, 403, 404, 410 mean that
    the address itself is. 5xx and 429, or no connection at all: again in a minute. Anything
    else may have arrived.
    """
    codes = [int(found) for line in said for found in _CODE.findall(line)]
    if codes:
        code = codes[-1]
        if 400 <= code < 500 and code not in _LATER:
            return Outcome(OutcomeKind.UNDELIVERABLE, suspend=code in _GONE, why=f"it answered {code}")
        return Outcome(OutcomeKind.RETRY_AT, wait_ms=_AGAIN_MS, why=f"it answered {code}")
    if any(_NOT_WRITTEN.search(line) for line in said):
        return Outcome(OutcomeKind.RETRY_AT, wait_ms=_AGAIN_MS, why="it cannot be reached")
    return Outcome(OutcomeKind.UNKNOWN, why="no answer, or one that was not understood")


def _service(url: str, number: int) -> NotifyBase:
    scheme = url.partition("://")[0] if "://" in url else "?"
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # it loads all its plug-ins, some with old modules
        service = Apprise.instantiate(url, asset=AppriseAsset(app_id="TELEGLAS", async_mode=False))
    if not isinstance(service, NotifyBase):
        raise ConfigError(
            "ALERT_URLS",
            f"entry {number} ({scheme}://) is no address that apprise understands",
            "See https://github.com/caronc/apprise for how the service's URL is written",
        )
    if service.overflow_mode == OverflowMode.UPSTREAM:
        # Otherwise the service refuses what is too long for it, and the alert with it.
        service.overflow_mode = OverflowMode.TRUNCATE
    return service


def _keep_to_itself() -> None:
    # Its lines hold URLs with tokens, and only what it logs can be captured for `judged`.
    own = logging.getLogger("apprise")
    own.setLevel(logging.DEBUG)
    own.propagate = False
    if not own.handlers:
        own.addHandler(logging.NullHandler())
    for name in ("requests", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _post(service: NotifyBase, message: Rendered, silent: bool) -> Outcome:
    photo = message.photo if service.attachment_support else None
    outcome = _notify(service, message, photo, silent=silent)
    if photo is not None and outcome.kind is OutcomeKind.UNDELIVERABLE and not outcome.suspend:
        again = _notify(service, message, None, silent=silent)
        if again.kind is OutcomeKind.SENT:
            return Outcome(OutcomeKind.SENT, why=f"the chart was left out: {outcome.why}")
    return outcome


def _notify(service: NotifyBase, message: Rendered, photo: bytes | None, *, silent: bool) -> Outcome:
    said: list[str] = []
    title, _, body = _words(service, message).partition("\n")
    attach = None
    if photo is not None:
        attach = AppriseAttachment()
        attach.add(AttachMemory(content=photo, name="chart.png", mimetype="image/png"))  # type: ignore[no-untyped-call]
    result = Apprise(service).notify(
        body=body or title,
        title=title[:_TITLE_CHARS] if body else "",
        notify_type=NotifyType.INFO if silent else NotifyType.WARNING,
        body_format=NotifyFormat.TEXT,
        attach=attach,
        log_level=logging.DEBUG,
        log_callback=lambda entry, _service: said.append(entry.message),
    )
    if result:
        return Outcome(OutcomeKind.SENT, photo=photo is not None)
    return judged(said)


def _words(service: NotifyBase, message: Rendered) -> str:
    whole = plain(message.html)
    return whole if len(whole) <= service.body_maxlen else plain(message.caption)
