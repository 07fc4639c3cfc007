"""What a worker counts and times. ``breathmark_worker_lag_seconds`` is what to scale workers by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from detectors.worker import WorkerCounts
from gateway.metrics import watch_worker
from streaming.types import Annotation, Cue, Line


class WorkerMetrics:
    """Names carry their unit; labels come from closed sets."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.lag_seconds = Gauge(
            "breathmark_worker_lag_seconds", "from a message's publishing until it was worked on", registry=own
        )
        self.sessions = Gauge("breathmark_worker_sessions", "practices held", registry=own)
        self.share = Gauge("breathmark_worker_share", "practices that would be this worker's part", registry=own)
        self.claims = Counter("breathmark_worker_claims", "practices taken on", registry=own)
        self.restores = Counter("breathmark_worker_restores", "gone on with from a kept state", registry=own)
        self.revivals = Counter("breathmark_worker_revivals", "kept though the bus had forgotten them", registry=own)
        self.begun_anew = Counter("breathmark_worker_begun_anew", "gone on with without any state", registry=own)
        self.releases = Counter("breathmark_worker_releases", "practices given away", registry=own)
        self.lost = Counter("breathmark_worker_leases_lost", "practices that another took", registry=own)
        self.missed = Counter("breathmark_worker_missed_messages", "dropped before they were read", registry=own)
        self.skipped = Counter("breathmark_worker_skipped_messages", "left out to be live again", registry=own)
        self.not_understood = Counter("breathmark_worker_not_understood", "messages that were none", registry=own)
        self.store_failures = Counter(
            "breathmark_worker_store_failures", "appends that had to be repeated", registry=own
        )
        self.detector_failures = Counter("breathmark_worker_detector_failures", "pipelines begun afresh", registry=own)
        self.annotations = Counter("breathmark_annotations", "annotations appended", ["kind"], registry=own)
        self.cues = Counter("breathmark_cues", "cues appended", ["level"], registry=own)

    def watch(self, counts: WorkerCounts, away: Callable[[], float]) -> None:
        watch_worker(counts, self.registry)
        Gauge("breathmark_bus_away", "1 while the bus does not answer", registry=self.registry).set_function(away)

    def count(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if isinstance(line, Annotation):
                self.annotations.labels(line.kind.value).inc()
            elif isinstance(line, Cue):
                self.cues.labels(str(line.level)).inc()
