"""How the parameters of the market model were estimated. Run by hand: `python -m simulator.fitting`."""

from __future__ import annotations

__all__: list[str] = []
