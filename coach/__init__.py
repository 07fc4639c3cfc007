"""Annotations in, cues out: pure policy, wording, practice and the findings of the report."""
