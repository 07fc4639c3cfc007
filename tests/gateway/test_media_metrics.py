"""What the network did to a partner's audio, as whoever runs a gateway reads it."""

from __future__ import annotations

from gateway.media.partner import PartnerMedia
from gateway.metrics import Metrics
from streaming.types import Speaker
from tests.gateway.rtp_script import play, stream, without


def values(metrics: Metrics) -> dict[str, float]:
    lines = [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_loss_waits_and_uncertainty_are_told_without_a_label_a_session() -> None:
    metrics = Metrics()
    for speaker in Speaker:
        media = PartnerMedia(f"session of {speaker}", speaker, lambda chunk: None)
        media._placement.begin(0, 100_000)
        metrics.count_media(media)
        reordered = stream(100, delay=lambda n: {30: 400, 60: 560}.get(n, 0))  # 25 and 35 ms late
        play(media._placement, without(reordered, 50))
        metrics.count_media(media)
    found = values(metrics)
    assert found['breathmark_media_events_total{what="packets"}'] == 2 * 99
    assert found['breathmark_media_events_total{what="lost"}'] == 2
    assert found['breathmark_media_events_total{what="reordered"}'] == 2 * 2
    assert found['breathmark_media_wait_ms_bucket{le="5"}'] < found['breathmark_media_wait_ms_bucket{le="60"}']
    waits = found['breathmark_media_events_total{what="waits"}']
    assert found['breathmark_media_wait_ms_bucket{le="+Inf"}'] == found["breathmark_media_wait_ms_count"] == waits
    assert 0 < found["breathmark_media_wait_ms_sum"] / waits < 60
    assert found["breathmark_media_uncertainty_ms_count"] == 4
    assert not any("session of" in name for name in found)
