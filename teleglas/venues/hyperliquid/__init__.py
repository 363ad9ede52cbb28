"""Hyperliquid: perpetuals on its own chain; public data without a key, no liquidations."""
