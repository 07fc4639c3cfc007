"""Accuracy, latency and load: each prints a table, writes JSON and a picture. Nothing imports it."""
