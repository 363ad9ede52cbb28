"""The hot path as machine code: the same modules, compiled by mypyc (`ws_alert.compiler`) where a C compiler is at hand.

Nothing but the speed differs: whoever has no compiler runs the very same modules interpreted. What was built lies in the virtual
environment, in a folder named after a digest of our code, so that code which changed since is interpreted until it is
built again. msgspec's types stay outside, since mypyc drops the options of their classes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = ["MODULES", "ROOT", "folder", "in_use", "use"]

MODULES = (
    "teleglas.market_sink",
    "teleglas.venues.binance.codec",
    "teleglas.venues.bybit.codec",
    "teleglas.venues.codec",
    "teleglas.venues.okx.codec",
    "teleglas.venues.rows",
    "ws_alert.alert_engine",
    "ws_alert.deadlines",
    "ws_alert.detection",
    "ws_alert.detectors.event_pattern_detector",
    "ws_alert.detectors.liquidation_storm_detector",
    "ws_alert.detectors.order_flow_analyzer",
    "ws_alert.detectors.usd_floor",
    "ws_alert.detectors.volume_spike_detector",
    "ws_alert.detectors.whale_cluster_detector",
    "ws_alert.sources.journal_format",
    "ws_alert.windows.baselines",
    "ws_alert.windows.contract",
    "ws_alert.windows.duplicates",
    "ws_alert.windows.event_aggregator",
    "ws_alert.windows.event_window",
    "ws_alert.windows.intake",
    "ws_alert.windows.minute_volumes",
    "ws_alert.windows.sample_history",
    "ws_alert.windows.second_tape",
)
"""What works for each frame, each second of each asset, or each minute of all."""

ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("teleglas", "ws_alert")
_SUFFIX = EXTENSION_SUFFIXES[0]


class _Finder(MetaPathFinder):
    """Finds the compiled modules before Python looks for their sources."""

    def __init__(self, place: Path) -> None:
        self._files = {
            ".".join(file.relative_to(place).parts).removesuffix(_SUFFIX): file
            for file in place.rglob(f"*{_SUFFIX}")
        }

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a compiled module lies, None for every other."""
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def use() -> bool:
    """Let the modules be imported compiled, if they were built from this very code; return whether they are.

    To be called before anything imports one of them: compiled and interpreted ones do not mix.
    """
    place = folder()
    if not place.is_dir() or any(name in sys.modules for name in MODULES):
        return False
    sys.meta_path.insert(0, _Finder(place))
    return True


def in_use() -> bool:
    """Return whether the hot path of this process is compiled."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def folder() -> Path:
    """Return where the compiled modules of this code lie, or would lie."""
    digest = sha256(sys.version.encode())
    for package in _PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return Path(sys.prefix) / "teleglas-compiled" / digest.hexdigest()[:16]
