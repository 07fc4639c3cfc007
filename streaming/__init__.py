"""Values, session time, wire form and the timeline: what every other folder stands on."""
