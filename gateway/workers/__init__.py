"""Detectors and coach in processes of their own: what goes over the bus, and who holds a practice."""
