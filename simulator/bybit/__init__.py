"""Bybit v5 linear: topics, REST."""
