"""The daily digest: when it is due, and for whom."""
