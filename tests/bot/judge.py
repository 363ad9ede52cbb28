"""What may be demanded of any answer of the command bot, by whoever sees only its message. Pure.

Shares nothing with the bot: coins, prices and widths are read from what a reader gets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Question", "facts", "findings", "log_findings", "silence"]

_TEXT, _CAPTION, _COLUMNS = 3_800, 1_024, 32
_PRICE_OFF, _RANGE_OFF = 0.03, 0.5
_NOT_SAID = (
    (r"\b(None|nan|NaN|N/A|null|undefined|inf|Infinity)\b", "a word of the program"),
    (r"Traceback|Exception|\b\w+Error\b", "an error of the program"),
    (r"went wrong on our side|\(reference \w+\)", "an error reference"),
    (r"[{}]|%[ds]\b|&(lt|gt|amp|quot);", "an unfilled template"),
    (r"\$-?0(\.0+)?(?![\d.])", "a zero amount"),
    (r"\$-", "a negative amount"),
    (r"\b\d{2,}(\.\d+)?e[+-]?\d+\b", "a number with an exponent"),
    (r"-\d+ (s|min|h|d) ago|\b1970\b", "a time that cannot be"),
)
_AMOUNT = r"([\d,]+(?:\.\d+)?)"
_HEADLINE = re.compile(rf"at \${_AMOUNT}|Price: \${_AMOUNT}")
_BOOK = re.compile(rf"on \w+: {_AMOUNT} / {_AMOUNT}")
_RANGE = re.compile(rf"(?:24h|7d) low {_AMOUNT}, high {_AMOUNT}")
_FUNDING = re.compile(r"([+-]\d+\.\d+)% per 8 h")
_RSI = re.compile(r"^(?:1h|4h|1d) +(\d+\.\d)\b", re.MULTILINE)
_SHARE = re.compile(r"\b(\d+)% (?:of (?:it|the depth)|sells|buys)")
_FACTS = {
    "price": r"at \$|Price: \$|on \w+: [\d.,]+ / ", "range of 24 h": r"24h low \d", "range of 7 d": r"7d low \d",
    "open interest": r"\$[\d.]+[KMBT]? open interest|Open interest: \$", "futures": r"futures \$", "spot": r"spot \$",
    "funding": r"funding [+-]\d|Funding: [+-]\d|% +(?:\d+h +)?\d\d:\d\d", "liquidations": r"liquidated in \w|Liquidated\n",
    "ratios": r"Long/short on", "CVD": r"CVD 24h: ", "book": r"Book on \w+: \d|Within 1% of the middle",
    "RSI 1h": r"1h +\d+(\.\d)? *(·|\w+$)", "RSI 4h": r"4h +\d+(\.\d)? *(·|\w+$)", "RSI 1d": r"1d +\d+(\.\d)?\b",
    "whale index": r"Whale index: ", "fear and greed": r"Fear and greed \d", "trades": r"large trades? (for|in)",
    "positions": r"Hyperliquid positions? ", "large orders": r"Large limit orders on", "heat": r"(was|wait) .*near \$",
}  # fmt: skip
"""What a card can tell, by what it looks like where it does."""

_SAID_MISSING = re.compile(
    r"[Nn]ot known|did not answer|unknown form|asked too often|refuse|old: from|needs (the|a) |has no figures|not publish"
)
_PRE = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """What is typed. coin: whose answer is expected, empty for none; listed: whether such a coin exists."""

    text: str
    coin: str = ""
    listed: bool = True

    @property
    def command(self) -> str:
        """Return the command's name."""
        return self.text.split()[0].lstrip("/")


def findings(
    question: Question,
    text: str,
    source: str,
    *,
    photo: bool,
    prices: Mapping[str, tuple[float, float]],
    complete_venues: Iterable[str] = (),
    nothing: Iterable[str] = (),
) -> list[str]:
    """Return what is wrong with an answer, empty if nothing.

    text: as a reader sees it; source: its HTML. prices: coin -> lowest and highest true price of one
    coin about now. complete_venues: exchanges that must be named, with figures or as missing. nothing: lengths of time
    within which nothing of one side was liquidated in truth.
    """
    judged = text
    for window in nothing:
        judged = re.sub(rf"^{window} .*$", "", judged, flags=re.MULTILINE)
    found = [f"{what}: {hit[0]!r}" for form, what in _NOT_SAID if (hit := re.search(form, judged))]
    found += _sizes(text, source, photo=photo)
    if question.coin and question.listed:
        found += _coin(question.coin, text, prices)
        found += _prices(text, prices.get(question.coin))
        found += _ranges(text)
        found += [f"{venue} is passed over" for venue in complete_venues if not _names(text, venue)]
    elif question.coin and ("$" in text.replace("$sol", "") or question.coin not in text):
        found.append("an unknown coin has figures, or is not named")
    return found


def facts(text: str) -> frozenset[str]:
    """Return what a card tells."""
    body = text.partition("\nSources\n")[0]
    return frozenset(name for name, form in _FACTS.items() if re.search(form, body, re.MULTILINE))


def silence(before: frozenset[str], text: str) -> list[str]:
    """Return what a card told when nothing was wrong and now passes over without a word of why."""
    lost = sorted(before - facts(text))
    return [f"passed over in silence: {', '.join(lost)}"] if lost and not _SAID_MISSING.search(text) else []


def log_findings(log: str) -> list[str]:
    """Return the lines of a log that tell of a defect."""
    lines = log.splitlines()
    bad = ("Traceback", "[error", "[critical", "could not be drawn", "picture_refused", "card_not_parsed")
    return [line[:300] for line in lines if any(word in line for word in bad)]


def _sizes(text: str, source: str, *, photo: bool) -> list[str]:
    found = []
    limit = _CAPTION if photo else _TEXT
    if len(text.encode("utf-16-le")) // 2 > limit:
        found.append(f"longer than {limit}")
    for table in _PRE.findall(source):
        wide = [line for line in re.sub(r"<[^>]+>", "", table).split("\n") if _width(line) > _COLUMNS]
        found += [f"wider than {_COLUMNS}: {line!r}" for line in wide[:1]]
    if not text.strip():
        found.append("empty")
    return found


def _width(line: str) -> int:
    plain = line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in plain)


def _coin(coin: str, text: str, coins: Iterable[str]) -> list[str]:
    first = text.partition("\n")[0]
    found = [] if re.search(rf"\b{coin}\b", first) else [f"{coin} is not in the first line: {first!r}"]
    other = [name for name in coins if name != coin and re.search(rf"\b{name}\b", text)]
    return found + [f"another coin: {name}" for name in other]


def _prices(text: str, true: tuple[float, float] | None) -> list[str]:
    if true is None:
        return []
    low, high = true
    head = "\n".join([text.partition("\n")[0], *re.findall(r"^Price: .*", text, re.MULTILINE)])
    told = [value for hit in _HEADLINE.findall(head) for value in hit if value]
    told += [value for hit in _BOOK.findall(text) for value in hit]
    found = [
        f"a price of {value}, which is {low:g} to {high:g}"
        for value in told
        if not low * (1 - _PRICE_OFF) <= _number(value) <= high * (1 + _PRICE_OFF)
    ]
    for below, above in _RANGE.findall(text):
        inside = low * (1 - _RANGE_OFF) <= _number(below) <= _number(above) <= high * (1 + _RANGE_OFF)
        if not inside:
            found.append(f"a range of {below} to {above} about {low:g}")
    return found


def _ranges(text: str) -> list[str]:
    found = [f"funding of {rate}%" for rate in _FUNDING.findall(text) if not -1 <= float(rate) <= 1]
    found += [f"RSI {value}" for value in _RSI.findall(text) if not 0 < float(value) < 100]
    found += [f"a share of {share}%" for share in _SHARE.findall(text) if int(share) > 100]
    return found


def _names(text: str, venue: str) -> bool:
    return venue in text or venue[:7] + "…" in text


def _number(text: str) -> float:
    return float(text.replace(",", ""))
