"""One practice: its room, who sits in it, its audio and analysis, and what is kept of it."""
