"""Bybit v5 linear contracts."""
