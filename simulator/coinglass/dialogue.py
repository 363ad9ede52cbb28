"""How CoinGlass v4 talks on /ws-api: no acknowledgements, bare ping and pong.

What a refused request gets is not documented; here it is an envelope with a `code`, as on REST.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from simulator.coinglass.feed import CoinglassFeed
from simulator.coinglass.plans import Account, refusal
from simulator.dialogue import Refused, Say

__all__ = ["CoinglassDialogue", "open_coinglass"]

_LIQUIDATIONS = frozenset({"liquidationOrders", "liquidation_orders"})


def open_coinglass(target: str, feed: CoinglassFeed, accounts: dict[str, Account]) -> CoinglassDialogue | Refused:
    """Return the conversation on a request target with `cg-api-key`."""
    parts = urlsplit(target)
    if parts.path != "/ws-api":
        return Refused(404, json.dumps(refusal("endpoint")))
    key = parse_qs(parts.query).get("cg-api-key", [""])[0]
    if key not in accounts:
        return Refused(401, json.dumps(refusal("key_invalid" if key else "key_missing")))
    return CoinglassDialogue(feed, accounts[key])


class CoinglassDialogue:
    """A connection under one key."""

    def __init__(self, feed: CoinglassFeed, account: Account) -> None:
        self.channels: set[str] = set()
        self.wrapped = False
        self.idle_ms = 0
        self.refusals = 0
        self._feed = feed
        self._account = account

    def heard(self, text: str, now_ms: int) -> list[Say]:  # noqa: ARG002 - no limit on messages is documented
        """Answer `ping`; take subscriptions without a word, refuse what is wrong."""
        if text == "ping":
            return ["pong"]
        try:
            request = json.loads(text)
        except ValueError:
            return self._refuse("400", "Invalid JSON")
        channels = request.get("channels") if isinstance(request, dict) else None
        if not isinstance(channels, list) or request.get("method") not in {"subscribe", "unsubscribe"}:
            return self._refuse("400", "Invalid request: method and channels are required")
        if not self._account.may_stream():
            self.refusals += 1
            return [refusal("upgrade_plan")]
        bad = [channel for channel in channels if not self._exists(channel)]
        if bad:
            return self._refuse("400", f"Unknown channel: {bad[0]}")
        if request["method"] == "unsubscribe":
            self.channels.difference_update(channels)
        else:
            self.channels.update(channels)
        return []

    def _exists(self, channel: object) -> bool:
        if not isinstance(channel, str):
            return False
        if channel in _LIQUIDATIONS:
            return True
        name, _, rest = channel.partition("@")
        pair, _, minimum = rest.rpartition("@")
        if name != "futures_trades" or pair not in self._feed.pairs or not minimum.isdecimal():
            return False
        self._feed.minimums.setdefault(pair, set()).add(minimum)
        return True

    def _refuse(self, code: str, message: str) -> list[Say]:
        self.refusals += 1
        return [{"code": code, "msg": message}]
