from __future__ import annotations

import tracemalloc

from detectors.pipeline import Pipeline
from streaming.audio import missing
from streaming.types import SAMPLE_RATE_HZ, Speaker

HOUR = 3600 * SAMPLE_RATE_HZ


def test_an_hour_in_which_nobody_was_heard_takes_no_memory_and_no_room_in_the_saved_state() -> None:
    tracemalloc.start()
    pipeline = Pipeline("s")
    for speaker in Speaker:
        pipeline.offer(missing("s", speaker, 0, HOUR))
    saved = pipeline.save()
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(saved) < 200_000
    assert most_bytes < 5_000_000
    again = Pipeline.restore("s", saved)
    assert [again.given(speaker) for speaker in Speaker] == [HOUR, HOUR]
