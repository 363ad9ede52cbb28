"""Rules that turn windows into findings: pure, without cooldowns of their own."""
