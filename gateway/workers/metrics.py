"""What a worker counts and times. ``breathmark_worker_lag_seconds`` is what to scale workers by."""

from __future__ import annotations

from gateway.metrics import AnalysisMetrics


class WorkerMetrics(AnalysisMetrics):
    def __init__(self) -> None:
        super().__init__()
        counter, gauge = self._counter, self._gauge
        self.lag_seconds = gauge("worker_lag_seconds", "from a message's publishing until it was worked on")
        self.sessions = gauge("worker_sessions", "practices held")
        self.share = gauge("worker_share", "practices that would be this worker's part")
        self.claims = counter("worker_claims", "practices taken on")
        self.restores = counter("worker_restores", "gone on with from a kept state")
        self.revivals = counter("worker_revivals", "kept though the bus had forgotten them")
        self.begun_anew = counter("worker_begun_anew", "gone on with without any state")
        self.releases = counter("worker_releases", "practices given away")
        self.lost = counter("worker_leases_lost", "practices that another took")
        self.missed = counter("worker_missed_messages", "dropped before they were read")
        self.skipped = counter("worker_skipped_messages", "left out to be live again")
        self.not_understood = counter("worker_not_understood", "messages that were none")
