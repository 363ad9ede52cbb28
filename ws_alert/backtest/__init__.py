"""History judged by the code that judges the present: what became of each alert."""
