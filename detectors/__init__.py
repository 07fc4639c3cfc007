"""Sound in, annotations out. Pure: no clock, no I/O; state can be saved and restored."""
