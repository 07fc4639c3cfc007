"""What a gateway counts and times, in one place. Served at /metrics; each gateway has its own registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from detectors.worker import WorkerCounts
from gateway.media.partner import MediaStats, PartnerMedia
from gateway.media.placement import WAIT_BOUNDS_MS
from gateway.words.service import Words
from streaming.types import Annotation, Cue, Line

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
    "ticks": "rounds of the detectors",
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


class AnalysisMetrics:
    """What whoever analyses counts, a gateway or a worker. Names carry their unit; labels come from closed sets."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.annotations = self._counter("annotations", "annotations appended", "kind")
        self.cues = self._counter("cues", "cues appended", "level")
        self.store_failures = self._counter("store_failures", "appends that had to be repeated")
        self.detector_failures = self._counter("detector_failures", "pipelines begun afresh")

    def count(self, lines: Iterable[Line]) -> None:
        """Lines that are in the timeline now."""
        for line in lines:
            if isinstance(line, Annotation):
                self.annotations.labels(line.kind.value).inc()
            elif isinstance(line, Cue):
                self.cues.labels(str(line.level)).inc()

    def watch_worker(self, counts: WorkerCounts) -> None:
        """The detectors' own counts, read whenever somebody asks."""
        self._watch_all("worker", counts, WORKER_COUNTS)

    def watch_bus(self, away: Callable[[], float]) -> None:
        self._watch("bus_away", "1 while the bus does not answer", away)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"breathmark_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"breathmark_{name}", meaning, labels, registry=self.registry)

    def _milliseconds(self, name: str, meaning: str) -> Histogram:
        return Histogram(f"breathmark_{name}", meaning, buckets=_MS_BUCKETS, registry=self.registry)

    def _watch_all(self, of: str, counts: object, meanings: Mapping[str, str]) -> None:
        for what, meaning in meanings.items():
            self._watch(f"{of}_{what}", meaning, partial(getattr, counts, what))

    def _watch(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        self._gauge(name, meaning).set_function(read)


class Metrics(AnalysisMetrics):
    """A gateway's. No label is what strangers send."""

    def __init__(self) -> None:
        super().__init__()
        counter, gauge, times = self._counter, self._gauge, self._milliseconds
        self.live_sessions = gauge("live_sessions", "sessions in memory")
        self.loop_late_seconds = gauge("loop_late_seconds", "how late this process runs")
        self.processor_share = gauge("processor_share", "of one core, what this process takes of it")
        self.room_for_practices = gauge("room_for_practices", "how many more practices would be let in")
        self.sockets = gauge("sockets", "open WebSockets", "role")
        self.sessions_created = counter("sessions_created", "invite links made")
        self.sessions_ended = counter("sessions_ended", "practices ended", "why")
        self.sessions_restored = counter("sessions_restored", "gone on with after a restart")
        self.refusals = counter("refusals", "requests turned away", "code")
        self.messages = counter("messages", "messages from browsers", "type")
        self.cues_withheld = counter("cues_withheld", "cues that came too late to be shown")
        self.missing_seconds = counter("missing_audio_seconds", "partner audio not heard")
        self.heard_seconds = counter("heard_audio_seconds", "partner audio analysed")
        self.observer_lines_dropped = counter("observer_lines_dropped", "lines not shown to a slow observer")
        self.guests = counter("guests", "seats taken by people at other gateways", "role")
        self.homes_taken = counter("homes_taken", "practices gone on with for a gateway")
        self.homes_lost = counter("homes_lost", "practices that another gateway took")
        self.slow_sockets = counter("slow_sockets", "sockets closed for being too slow")
        self.lines_lost = counter("lines_lost", "lines given up after a long store outage")
        self.repeats_dropped = counter("repeats_dropped", "annotations already final before a restart")
        self.media_events = counter("media_events", "packets and connections", "what")
        self.waits = Waits(self.registry)
        self._counted: WeakKeyDictionary[PartnerMedia, MediaStats] = WeakKeyDictionary()
        # A partner each look, so that what counts is time; a label a session would never end.
        self.media_now = {what: times(f"media_{what}", meaning) for what, meaning in MEDIA_NOW.items()}
        self.captured_to_decided_ms = times("cue_captured_to_decided_ms", "audio time of a cue to its decision")
        self.decided_to_sent_ms = times("cue_decided_to_sent_ms", "decision of a cue to its sending")
        self.received_to_painted_ms = times("cue_received_to_painted_ms", "cue in the browser to its painted frame")
        self.sent_to_acknowledged_ms = times("cue_sent_to_acknowledged_ms", "cue sent to its acknowledgement")

    def count_media(self, media: PartnerMedia) -> None:
        """Adds what one partner's connection saw since the last call."""
        before, after = self._counted.get(media), media.stats()
        self._counted[media] = after
        for what in MEDIA_EVENTS:
            more = getattr(after, what) - (getattr(before, what) if before else 0)
            if more > 0:
                self.media_events.labels(what).inc(more)
        self.waits.add(before, after)
        if before is None or after.packets > before.packets:  # nothing new is known of a silent connection
            for what, histogram in self.media_now.items():
                if (value := getattr(after, what)) is not None:
                    histogram.observe(value)

    def watch_post(self, dropped: Callable[[], float]) -> None:
        self._watch("post_dropped", "letters and sound between gateways that did not arrive", dropped)

    def watch_outbox(self, dropped: Callable[[], float]) -> None:
        self._watch("bus_dropped", "pieces of audio that a bus did not take in time", dropped)

    def watch_words(self, words: Words) -> None:
        """The transcriber's counts and its queue's, read whenever somebody asks."""
        self._watch_all("words", words.counts, WORDS_COUNTS)
        self._watch_all("words", words.counts.queue, WORDS_QUEUE_COUNTS)
        self._watch("words_behind", "1 while words come late", lambda: float(words.behind))


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
