"""The alert bot: from a venue's frame to one message per market event."""
