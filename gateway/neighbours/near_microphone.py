"""At the gateway of a guest who is a partner: their audio, decoded for a home that is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.media.clock import SessionClock
from gateway.media.partner import MediaSettings, PartnerMedia
from gateway.metrics import Metrics
from gateway.neighbours.letters import Beat, sound_of, voice_of
from gateway.neighbours.offset import Offset
from gateway.neighbours.post import Post
from gateway.neighbours.voices import VoiceIn, VoiceOut
from gateway.protocol import MediaState
from streaming import packets
from streaming.types import AudioChunk, Speaker


class NearMicrophone:
    """Decodes between the home's "begin" and "stop", and at no other time. ``changed`` hears of the connection.

    What is heard goes to the ``FarMicrophone`` that stands for it at the home.
    """

    def __init__(
        self,
        session: str,
        speaker: Speaker,
        seat: str,
        post: Post,
        settings: MediaSettings,
        metrics: Metrics,
        changed: Callable[[MediaState], None],
    ) -> None:
        self.media = PartnerMedia(session, speaker, self._heard, settings)
        self.media.on_state = lambda: changed(self.media.state)
        self._post = post
        self._sound = sound_of(seat)
        self._metrics = metrics
        self._voice = VoiceIn(post, voice_of(session, speaker.other))
        self._ear = VoiceOut(post, voice_of(session, speaker))
        self._offset = Offset()
        self._decoding: tuple[int, int] | None = None  # (fence, begin_at) of what is decoded for
        self._withdrawn = 0  # number of the last thing said that stops the analysis

    @property
    def decodes(self) -> bool:
        return self._decoding is not None

    def obey(self, beat: Beat, offset: Offset) -> None:
        """Does what the home wants, as far as its clock is known and this partner still agrees."""
        wanted, self._offset = beat.wanted, offset
        if wanted is None:
            return
        self.media.hear(self._voice if wanted.hears else None)
        (self.media.add_ear if wanted.speaks else self.media.drop_ear)(self._ear)
        if wanted.begin_at is None or beat.zero is None:
            self.stop()
        elif beat.heard >= self._withdrawn and offset.known and self._decoding != (beat.fence, wanted.begin_at):
            self._decoding = beat.fence, wanted.begin_at
            clock = SessionClock.with_zero(beat.zero - offset.samples)
            self.media.begin(clock, max(wanted.begin_at, clock.now()))

    def stop(self, until_heard: int = 0) -> None:
        """At once; until the home, having heard what was said with this number, wants it again."""
        self._withdrawn = max(self._withdrawn, until_heard)
        self.media.stop()
        self._decoding = None

    def poll(self) -> None:
        """Every 20 ms."""
        self.media.poll()

    def count(self) -> None:
        """What the network did since the last call goes into the metrics."""
        self._metrics.count_media(self.media)

    async def close(self) -> None:
        self.media.on_state = None
        self.count()
        await self.media.close()

    def _heard(self, chunk: AudioChunk) -> None:
        if self.decodes:
            over = self._offset.uncertainty  # half a round trip over the bus, which the other's voice takes, too
            late = chunk.hears_late + over if chunk.hears_late else 0
            chunk = replace(chunk, uncertainty=chunk.uncertainty + over, hears_late=late)
            self._post.sound.send(self._sound, packets.pack(chunk))
