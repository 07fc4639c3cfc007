"""What was said, written down: queue, transcriber and its models. Nothing here knows of a practice's people."""
