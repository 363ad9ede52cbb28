"""Answers in, cards out. Pure: no clock, no network, no Telegram."""
