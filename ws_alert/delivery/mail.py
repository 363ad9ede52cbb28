"""An alert as an e-mail: the same words as text and as HTML, the chart shown inside. Pure.

Its Message-ID is made from the alert's id: where a repeat cannot be avoided (an answer that never
came), most mailboxes show it once; a message that grew from another is threaded under it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from teleglas.telegram.text import escape, plain
from ws_alert.delivery.rendered import Rendered

__all__ = ["compose", "subject_of"]

_SUBJECT_CHARS = 150
_CHART = "chart"
_STYLE = "font:15px/1.45 system-ui,sans-serif;max-width:640px;margin:0 auto;padding:12px"
_QUOTE = '<blockquote style="margin:8px 0;padding-left:10px;border-left:3px solid #bbb;color:#555">'


def compose(message: Rendered, *, sender: str, recipient: str, now_ms: int) -> bytes:
    """Return the message as bytes for SMTP (CRLF, seven bits).

    sender, recipient: plain ASCII addresses. now_ms: Unix ms, for the Date header.
    Raises ValueError for an address that no header can carry.
    """
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"TELEGLAS <{sender}>"
    mail["To"] = recipient
    mail["Subject"] = subject_of(message)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1000, UTC))
    mail["Message-ID"] = _message_id(message.alert_id, domain) or make_msgid(domain=domain)
    if message.prior_id:
        prior = _message_id(message.prior_id, domain)
        mail["In-Reply-To"] = prior
        mail["References"] = prior
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(plain(message.html) + "\n", cte="quoted-printable")
    mail.add_alternative(_html(message), subtype="html", cte="quoted-printable")
    if message.photo is not None:
        _show(mail, message.photo)
    return mail.as_bytes()


def subject_of(message: Rendered) -> str:
    """Return the news in one line: the first line of the message."""
    line = " ".join(plain(message.html.partition("\n")[0]).split())
    return line if len(line) <= _SUBJECT_CHARS else line[: _SUBJECT_CHARS - 1] + "…"


def _message_id(alert_id: str, domain: str) -> str:
    # Alert ids differ by target, so two recipients never share one; a notice to the admin has none.
    return f"<{alert_id[:40]}@{domain}>" if alert_id else ""


def _html(message: Rendered) -> str:
    body = message.html.replace("<blockquote expandable>", _QUOTE).replace("\n", "<br>\n")
    picture = (
        f'<p><img src="cid:{_CHART}" alt="chart" style="width:100%;max-width:540px"></p>'
        if message.photo
        else ""
    )
    title = escape(subject_of(message))
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f'<body><div style="{_STYLE}">\n{body}\n{picture}\n</div></body></html>\n'
    )


def _show(mail: EmailMessage, photo: bytes) -> None:
    page = mail.get_payload(1)
    assert isinstance(page, MIMEPart)  # noqa: S101 - the alternative added above
    page.add_related(photo, "image", "png", cid=f"<{_CHART}>", disposition="inline", filename="chart.png")
