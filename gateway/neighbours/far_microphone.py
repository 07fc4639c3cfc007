"""At the home of a practice: a partner's microphone whose audio connection is at another gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import av

from gateway.media.clock import SessionClock
from gateway.media.partner import Ear, Voice
from gateway.neighbours.letters import Wanted, sound_of, voice_of
from gateway.neighbours.post import Post
from gateway.neighbours.voices import VoiceIn, VoiceOut
from gateway.protocol import MediaState
from streaming.audio import missing
from streaming.packets import unpack
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Speaker

PATIENCE_S = 1.0  # the other gateway waits up to 0.6 s for a late packet; what is not here by then is missing
PIECE_S = 1.0  # longest piece of missing audio in one chunk


class FarMicrophone:
    """Used like ``PartnerMedia``: tells the partner's gateway what to do with the audio, and takes what is heard there.

    Consent first: what comes while nothing is wanted is thrown away. Every sample of session time from
    ``begin`` to ``stop`` is delivered once, in order, as audio or as missing audio.
    """

    def __init__(
        self, session: str, speaker: Speaker, seat: str, post: Post, deliver: Callable[[AudioChunk], None]
    ) -> None:
        self.state: MediaState = "none"
        self.on_state: Callable[[], None] | None = None
        self.on_wanted: Callable[[], None] | None = None
        self.wanted = Wanted()
        self._session, self._speaker = session, speaker
        self._post = post
        self._sound = sound_of(seat)
        self._deliver = deliver
        self._clock: SessionClock | None = None
        self._end = 0  # session sample up to which audio is delivered
        self._hears: Voice | None = None
        self._ears: set[Ear] = set()
        self._in = VoiceIn(post, voice_of(session, speaker))
        self._out = VoiceOut(post, voice_of(session, speaker.other))

    def told(self, state: MediaState) -> None:
        """What became of the connection."""
        if state != self.state:
            self.state = state
            if self.on_state is not None:
                self.on_state()

    def begin(self, clock: SessionClock, at: int) -> None:
        if self._clock is None:
            self._post.sound.follow(self._sound, self._take)
        self._clock, self._end = clock, at
        self._want(replace(self.wanted, begin_at=at))

    def stop(self) -> None:
        self._clock = None
        self._post.sound.unfollow(self._sound, self._take)
        self._want(replace(self.wanted, begin_at=None))

    def poll(self) -> None:
        """A gateway that brings nothing must not hold up the other partner's analysis."""
        if self._clock is not None:
            self._pass_until(self._clock.now() - round(PATIENCE_S * SAMPLE_RATE_HZ))

    def hear(self, other: Voice | None) -> None:
        if self._hears is not None:
            self._hears.drop_ear(self)
        self._hears = other
        if other is not None:
            other.add_ear(self)
        self._want(replace(self.wanted, hears=other is not None))

    def add_ear(self, ear: Ear) -> None:
        self._ears.add(ear)
        if not isinstance(ear, FarMicrophone):  # that one's gateway reads the bus for itself
            self._in.add_ear(ear)
        self._want(replace(self.wanted, speaks=True))

    def drop_ear(self, ear: Ear) -> None:
        self._ears.discard(ear)
        self._in.drop_ear(ear)
        self._want(replace(self.wanted, speaks=bool(self._ears)))

    def forward(self, payload: bytes, source: int, timestamp: int, at_s: float) -> None:
        self._out.forward(payload, source, timestamp, at_s)

    def forward_frame(self, frame: av.AudioFrame, source: int, at_s: float) -> None:
        self._out.forward_frame(frame, source, at_s)

    async def close(self) -> None:
        self.on_wanted = self.on_state = None
        self.stop()
        self.hear(None)
        for ear in list(self._ears):
            self.drop_ear(ear)

    def _want(self, wanted: Wanted) -> None:
        if wanted != self.wanted:
            self.wanted = wanted
            if self.on_wanted is not None:
                self.on_wanted()

    def _take(self, payload: bytes) -> None:
        chunk = unpack(self._session, payload)
        late = self._end - chunk.start
        if self._clock is None or chunk.speaker is not self._speaker or late >= len(chunk.samples):
            return
        self._pass_until(chunk.start)
        if late > 0:
            chunk = replace(chunk, start=self._end, samples=chunk.samples[late:])
        self._end = chunk.end
        self._deliver(chunk)

    def _pass_until(self, until: int) -> None:
        while self._end < until:
            piece = missing(
                self._session, self._speaker, self._end, min(until - self._end, int(PIECE_S * SAMPLE_RATE_HZ))
            )
            self._end = piece.end
            self._deliver(piece)
