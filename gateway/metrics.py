"""What a gateway counts and times, in one place. Served at /metrics; each gateway has its own registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from detectors.worker import WorkerCounts
from gateway.media import MediaStats
from gateway.placement import WAIT_BOUNDS_MS
from gateway.words import Words

# Cue delays run from a frame of a screen (16 ms) to what is noise to the couple (5 s).
_MS_BUCKETS = (5, 10, 20, 50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000)

MEDIA_EVENTS = (
    "packets",
    "lost",
    "late",
    "reordered",
    "duplicates",
    "recovered",
    "concealed",
    "undecodable",
    "disbelieved",
    "waits",
    "connections",
    "relayed",
    "relay_dropped",
    "candidates_dropped",
    "clock_restarts",
    "clock_steps",
)
MEDIA_NOW = {
    "uncertainty_ms": "how far a partner's audio may be off in session time",
    "hears_late_ms": "how much later than session time a partner hears the other",
    "jitter_ms": "how unevenly a partner's packets come",
    "round_trip_ms": "to a partner's browser and back",
}
WORKER_COUNTS = {
    "ticks": "hops to the detectors' thread",
    "frames": "32 ms of both partners each",
    "dropped_samples": "audio that became missing because a queue ran over",
    "skipped_samples": "audio that became missing because what follows it came first",
    "late_samples": "audio for a time that had been given already",
    "failed_sessions": "pipelines that raised",
    "failed_deliveries": "annotations that could not be handed on",
}
WORDS_COUNTS = {
    "started": "transcriber processes begun",
    "died": "transcriber processes that ended by themselves",
    "heard": "texts that counted as heard",
    "doubted": "texts that were not believed",
    "given_up": "utterances that brought the transcriber down",
    "busy_s": "seconds the transcriber was busy",
    "sound_s": "seconds of sound it was given",
}
WORDS_QUEUE_COUNTS = {
    "finals": "finished utterances taken",
    "partials": "utterances taken while they were spoken",
    "superseded": "partial texts replaced by newer ones before they were taken",
    "partials_shed": "partial texts not taken because finals waited",
    "stale_partials": "partial texts that came too late",
    "stale_finals": "finished utterances given up after waiting too long",
    "overflowed_finals": "finished utterances given up because too many waited",
    "forgotten": "utterances of sessions that withdrew or ended",
}

disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began doubles the page, for nothing


class Metrics:
    """Names carry their unit; labels come from closed sets, never from what strangers send."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.live_sessions = Gauge("breathmark_live_sessions", "sessions in memory", registry=own)
        self.loop_late_seconds = Gauge("breathmark_loop_late_seconds", "how late this process runs", registry=own)
        self.sockets = Gauge("breathmark_sockets", "open WebSockets", ["role"], registry=own)
        self.sessions_created = Counter("breathmark_sessions_created", "invite links made", registry=own)
        self.sessions_ended = Counter("breathmark_sessions_ended", "practices ended", ["why"], registry=own)
        self.sessions_restored = Counter("breathmark_sessions_restored", "gone on with after a restart", registry=own)
        self.refusals = Counter("breathmark_refusals", "requests turned away", ["code"], registry=own)
        self.messages = Counter("breathmark_messages", "messages from browsers", ["type"], registry=own)
        self.annotations = Counter("breathmark_annotations", "annotations appended", ["kind"], registry=own)
        self.cues = Counter("breathmark_cues", "cues appended and sent", ["level"], registry=own)
        self.cues_withheld = Counter("breathmark_cues_withheld", "cues that came too late to be shown", registry=own)
        self.missing_seconds = Counter("breathmark_missing_audio_seconds", "partner audio not heard", registry=own)
        self.heard_seconds = Counter("breathmark_heard_audio_seconds", "partner audio analysed", registry=own)
        self.observer_lines_dropped = Counter(
            "breathmark_observer_lines_dropped", "lines not shown to a slow observer", registry=own
        )
        self.guests = Counter("breathmark_guests", "seats taken by people at other gateways", ["role"], registry=own)
        self.homes_taken = Counter("breathmark_homes_taken", "practices gone on with for a gateway", registry=own)
        self.homes_lost = Counter("breathmark_homes_lost", "practices that another gateway took", registry=own)
        self.slow_sockets = Counter("breathmark_slow_sockets", "sockets closed for being too slow", registry=own)
        self.store_failures = Counter("breathmark_store_failures", "appends that had to be repeated", registry=own)
        self.lines_lost = Counter("breathmark_lines_lost", "lines given up after a long store outage", registry=own)
        self.repeats_dropped = Counter(
            "breathmark_repeats_dropped", "annotations already final before a restart", registry=own
        )
        self.detector_failures = Counter("breathmark_detector_failures", "pipelines begun afresh", registry=own)
        self.media_events = Counter("breathmark_media_events", "packets and connections", ["what"], registry=own)
        self.waits = Waits(own)
        # A partner each look, so that what counts is time; a label a session would never end.
        self.media_now = {
            what: Histogram(f"breathmark_media_{what}", meaning, buckets=_MS_BUCKETS, registry=own)
            for what, meaning in MEDIA_NOW.items()
        }
        self.captured_to_decided_ms = _times("captured_to_decided", "audio time of a cue to its decision", own)
        self.decided_to_sent_ms = _times("decided_to_sent", "decision of a cue to its sending", own)
        self.received_to_painted_ms = _times("received_to_painted", "cue in the browser to its painted frame", own)
        self.sent_to_acknowledged_ms = _times("sent_to_acknowledged", "cue sent to its acknowledgement", own)

    def count_media(self, before: MediaStats | None, after: MediaStats) -> None:
        """Adds what one partner's connection saw since ``before``."""
        for what in MEDIA_EVENTS:
            more = getattr(after, what) - (getattr(before, what) if before else 0)
            if more > 0:
                self.media_events.labels(what).inc(more)
        self.waits.add(before, after)
        if before is None or after.packets > before.packets:  # nothing new is known of a silent connection
            for what, histogram in self.media_now.items():
                if (value := getattr(after, what)) is not None:
                    histogram.observe(value)

    def watch_worker(self, counts: WorkerCounts) -> None:
        """The detectors' own counts, read whenever somebody asks."""
        watch_worker(counts, self.registry)

    def watch_post(self, dropped: Callable[[], float]) -> None:
        Gauge(
            "breathmark_post_dropped", "letters and sound between gateways that did not arrive", registry=self.registry
        ).set_function(dropped)

    def watch_bus(self, dropped: Callable[[], float], away: Callable[[], float]) -> None:
        own = self.registry
        Gauge("breathmark_bus_dropped", "pieces of audio that a bus did not take in time", registry=own).set_function(
            dropped
        )
        Gauge("breathmark_bus_away", "1 while the bus does not answer", registry=own).set_function(away)

    def watch_words(self, words: Words) -> None:
        """The transcriber's counts and its queue's, read whenever somebody asks."""
        for counts, meanings in ((words.counts, WORDS_COUNTS), (words.counts.queue, WORDS_QUEUE_COUNTS)):
            for what, meaning in meanings.items():
                gauge = Gauge(f"breathmark_words_{what}", meaning, registry=self.registry)
                gauge.set_function(partial(getattr, counts, what))
        behind = Gauge("breathmark_words_behind", "1 while words come late", registry=self.registry)
        behind.set_function(lambda: float(words.behind))

    def text(self) -> bytes:
        return generate_latest(self.registry)


class Waits(Collector):
    """How long packets waited for one that was missing before them: a histogram that placements fill."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._within = [0] * (len(WAIT_BOUNDS_MS) + 1)
        self._sum_ms = 0.0
        registry.register(self)

    def add(self, before: MediaStats | None, after: MediaStats) -> None:
        was = before.waited_within if before else (0,) * len(self._within)
        self._within = [n + now - then for n, now, then in zip(self._within, after.waited_within, was, strict=True)]
        self._sum_ms += (after.waited_s - (before.waited_s if before else 0.0)) * 1000

    def collect(self) -> Iterator[HistogramMetricFamily]:
        bounds = [*(f"{bound:g}" for bound in WAIT_BOUNDS_MS), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._within), strict=True))
        yield HistogramMetricFamily("breathmark_media_wait_ms", "a packet's wait for a hole", buckets, self._sum_ms)


def watch_worker(counts: WorkerCounts, registry: CollectorRegistry) -> None:
    for what, meaning in WORKER_COUNTS.items():
        gauge = Gauge(f"breathmark_worker_{what}", meaning, registry=registry)
        gauge.set_function(partial(getattr, counts, what))


def _times(name: str, what: str, registry: CollectorRegistry) -> Histogram:
    return Histogram(f"breathmark_cue_{name}_ms", what, buckets=_MS_BUCKETS, registry=registry)
