"""Imported first: measures what `make setup` compiles, as the program runs it; with `--interpreted` what runs without a compiler."""

from __future__ import annotations

import subprocess
import sys

from ws_alert import compiled

__all__ = ["STATE"]

if "--interpreted" in sys.argv:
    sys.argv.remove("--interpreted")
elif not compiled.use():
    subprocess.run([sys.executable, "-m", "ws_alert.compiler"], check=True)
    compiled.use()

STATE = "compiled" if compiled.in_use() else "interpreted"
"""What the figures of this run are of."""
print(f"hot path: {STATE}")
