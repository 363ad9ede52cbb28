"""Starts the command bot: `python main.py`. The alert bot is `python -m ws_alert.alert_runner`."""

from __future__ import annotations

import sys

from bot.app import main

if __name__ == "__main__":
    sys.exit(main())
