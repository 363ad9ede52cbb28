"""Hyperliquid: its info endpoint."""
