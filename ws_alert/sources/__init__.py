"""Where inputs come from: streams, polls, the journal, recorded tapes."""
