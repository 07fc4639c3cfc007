"""How late audio is delivered before a burst of loss and 5 s after it: real peers, real datagrams, the real path.

In a process of its own (``python -m benchmarks.burst``), so that nothing else holds up its event loop.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from benchmarks.impaired import Impairment, UdpPath, placeless
from gateway.media.clock import SessionClock, machine_samples
from gateway.media.partner import PartnerMedia
from gateway.voice_track import RATE_HZ, VoiceTrack
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Samples, Speaker

BURSTS_MS = (100.0, 300.0, 1000.0)
BURST_AT_S = 8.0  # after the path was opened; the clocks have been aligned for some seconds then
AFTER_S = 5.0  # "5 s after a burst"
MEASURED_S = 1.5
_POLL_S = 0.02
_SETTLE_S = 2.0


@dataclass(slots=True)
class BurstRun:
    """Delay of each chunk (ms from its last sample's place in session time to its delivery), by path time (s)."""

    burst_ms: float
    delays: list[tuple[float, float]] = field(default_factory=list)

    @property
    def before(self) -> list[float]:
        return [delay for at_s, delay in self.delays if _SETTLE_S <= at_s < BURST_AT_S]

    @property
    def after(self) -> list[float]:
        from_s = BURST_AT_S + self.burst_ms / 1000 + AFTER_S
        return [delay for at_s, delay in self.delays if from_s <= at_s < from_s + MEASURED_S]

    @property
    def extra_ms(self) -> float:
        return float(np.median(self.after) - np.median(self.before))


def extra_p95_ms(runs: Sequence[BurstRun]) -> float:
    """95th centile after minus 95th before, over all runs."""
    before = np.concatenate([run.before for run in runs])
    after = np.concatenate([run.after for run in runs])
    return float(np.quantile(after, 0.95) - np.quantile(before, 0.95))


async def through_a_burst(burst_ms: float, seed: int) -> BurstRun:
    run = BurstRun(burst_ms)
    clock = SessionClock.start()
    path = UdpPath(Impairment(burst_ms=burst_ms, burst_every_s=BURST_AT_S), seed)
    opened_s = 0.0

    def delivered(chunk: AudioChunk) -> None:
        now_s = time.monotonic()
        if not (chunk.missing or chunk.concealed):
            delay = machine_samples(now_s) - clock.zero - chunk.end
            run.delays.append((now_s - opened_s, delay / SAMPLE_RATE_HZ * 1000))

    media = PartnerMedia("burst", Speaker.A, delivered)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    track = VoiceTrack(_hum())
    peer.addTrack(track)
    try:
        await peer.setLocalDescription(await peer.createOffer())
        answer = await path.open(await media.connect(placeless(peer.localDescription.sdp)))
        opened_s = time.monotonic()
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        track.play_at(asyncio.get_running_loop().time())
        media.begin(clock, clock.now())
        last_s = opened_s + BURST_AT_S + burst_ms / 1000 + AFTER_S + MEASURED_S
        while time.monotonic() < last_s:
            await asyncio.sleep(_POLL_S)
            media.poll()
    finally:
        track.stop()
        await peer.close()
        await media.close()
        path.close()
    return run


def _hum() -> Samples:
    """Something voice-like for as long as it takes."""
    t = np.arange(20 * RATE_HZ) / RATE_HZ
    hum: Samples = (0.1 * np.sign(np.sin(2 * np.pi * 120 * t)) * np.clip(np.sin(4 * np.pi * t), 0, 1)).astype(
        np.float32
    )
    return hum


async def measure() -> list[BurstRun]:
    """Every burst at once, in another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.burst"), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the peers' process ended with {process.returncode}: see above")
    return [BurstRun(run["burst_ms"], [(at_s, ms) for at_s, ms in run["delays"]]) for run in json.loads(told)]


async def _main() -> None:
    runs = await asyncio.gather(*(through_a_burst(ms, i) for i, ms in enumerate(BURSTS_MS)))
    sys.stdout.write(json.dumps([{"burst_ms": run.burst_ms, "delays": run.delays} for run in runs]))


if __name__ == "__main__":
    asyncio.run(_main())
