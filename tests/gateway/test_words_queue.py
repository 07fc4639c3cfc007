"""Whose words come next: fair, bounded, every drop counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.words_utterances import Utterance
from gateway.words.queue import QueueSettings, WordsQueue
from streaming.types import Span, Speaker

A, B = Speaker
NO_SOUND = np.zeros(0, np.float32)


def utterance(session: str, number: int, *, final: bool = True, by: Speaker = A) -> Utterance:
    id = f"{session} {number} {final}"
    return Utterance(id, session, by, Span(number * 16_000, number * 16_000 + 8000), 0, final, 0, NO_SOUND)


def taken(queue: WordsQueue, now_s: float) -> list[str]:
    out = []
    while waiting := queue.take(now_s):
        out.append(waiting.utterance.id)
    return out


def test_finals_go_first_sessions_in_turn_each_ones_oldest_first() -> None:
    queue = WordsQueue()
    for number in range(3):
        queue.offer(utterance("loud", number), 0.0)
    queue.offer(utterance("loud", 9, final=False, by=B), 0.0)
    queue.offer(utterance("quiet", 0), 0.1)
    assert taken(queue, 0.2) == ["loud 0 True", "quiet 0 True", "loud 1 True", "loud 2 True", "loud 9 False"]


def test_of_what_is_being_spoken_only_the_newest_text_is_asked_for() -> None:
    queue = WordsQueue()
    for number in range(4):
        queue.offer(utterance("s", number, final=False), number * 0.1)
    queue.offer(utterance("s", 7, final=False, by=B), 0.4)
    assert taken(queue, 0.5) == ["s 3 False", "s 7 False"]
    assert queue.counts.superseded == 3


def test_a_final_makes_its_partial_text_needless() -> None:
    queue = WordsQueue()
    queue.offer(utterance("s", 1, final=False), 0.0)
    queue.offer(utterance("s", 1), 0.1)
    assert taken(queue, 0.2) == ["s 1 True"]


def test_under_load_partial_texts_go_first_then_the_words_are_behind_and_all_is_well_again_later() -> None:
    queue = WordsQueue()
    queue.offer(utterance("s", 1), 0.0)
    queue.offer(utterance("s", 2), 0.0)
    queue.offer(utterance("t", 1, final=False), 2.5)
    assert (queue.load, queue.counts.partials_shed) == ("finals", 1)
    assert queue.take(11.0) is not None
    behind = queue.load
    assert queue.take(11.5) is not None
    assert queue.take(11.6) is None
    assert (behind, queue.load) == ("behind", "all")


def test_a_final_that_nobody_can_hear_in_time_is_given_up_and_counted() -> None:
    queue = WordsQueue()
    queue.offer(utterance("s", 1), 0.0)
    assert queue.take(61.0) is None
    assert (queue.counts.stale_finals, queue.load) == (1, "behind")


def test_one_session_alone_cannot_fill_the_queue() -> None:
    queue = WordsQueue(QueueSettings(finals_a_session=2, finals=3))
    for number in range(5):
        queue.offer(utterance("loud", number), 0.0)
    queue.offer(utterance("quiet", 1), 0.0)
    assert queue.counts.overflowed_finals == 3
    assert taken(queue, 0.1) == ["loud 3 True", "quiet 1 True", "loud 4 True"]


def test_what_brought_the_transcriber_down_is_tried_again_before_all_else() -> None:
    queue = WordsQueue()
    for number in range(2):
        queue.offer(utterance("s", number), 0.0)
        queue.offer(utterance("t", number), 0.0)
    first = queue.take(0.1)
    assert first is not None
    queue.again(first, 0.2)
    second = queue.take(0.3)
    assert second is not None
    assert (second.utterance.id, second.tries) == ("s 0 True", 1)


def test_nothing_of_a_session_that_withdrew_is_heard() -> None:
    queue = WordsQueue()
    queue.offer(utterance("s", 1), 0.0)
    queue.offer(utterance("s", 2, final=False, by=B), 0.0)
    queue.forget("s")
    assert (queue.take(0.1), queue.counts.forgotten) == (None, 2)


acts = st.lists(
    st.tuples(st.sampled_from(["offer", "offer", "take", "forget"]), st.integers(0, 4), st.booleans(), st.floats(0, 3)),
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(acts=acts)
def test_whatever_comes_the_queue_is_bounded_and_every_utterance_is_accounted_for(
    acts: list[tuple[str, int, bool, float]],
) -> None:
    bounds = QueueSettings(finals_a_session=3, finals=6, final_stale_s=8.0, behind_s=4.0)
    queue, now_s, offered, served = WordsQueue(bounds), 0.0, 0, list[str]()
    for number, (act, who, final, later_s) in enumerate(acts):
        now_s += later_s
        if act == "offer":
            queue.offer(utterance(f"s{who}", number, final=final), now_s)
            offered += 1
        elif act == "take" and (waiting := queue.take(now_s)):
            served.append(waiting.utterance.id)
            assert now_s - waiting.since_s <= bounds.final_stale_s
        elif act == "forget":
            queue.forget(f"s{who}")
        assert queue.finals_waiting <= 6
        assert len(queue) <= 6 + 5 * 2
    counts = queue.counts
    dropped = counts.superseded + counts.partials_shed + counts.stale_partials
    dropped += counts.stale_finals + counts.overflowed_finals + counts.forgotten
    assert counts.finals + counts.partials == len(served)
    assert offered == len(served) + dropped + len(queue)
    assert len(set(served)) == len(served)


@settings(max_examples=40, deadline=None)
@given(loads=st.lists(st.integers(1, 3), min_size=2, max_size=8))
def test_nobody_is_served_twice_while_another_waits(loads: list[int]) -> None:
    queue = WordsQueue(QueueSettings(finals_a_session=3))
    for session, load in enumerate(loads):
        for number in range(load):
            queue.offer(utterance(f"s{session}", number), 0.0)
    order = [id.split()[0] for id in taken(queue, 0.1)]
    for number in range(max(loads)):
        still = [f"s{i}" for i, load in enumerate(loads) if load > number]
        assert order[: len(still)] == still
        order = order[len(still) :]
