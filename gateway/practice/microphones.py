"""Both partners' audio connections of one practice, whether to this gateway or to another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from gateway.media.clock import SessionClock
from gateway.media.partner import Ear, MediaSettings, PartnerMedia, Voice
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.protocol import Answer, MediaState
from streaming.errors import Refused
from streaming.types import AudioChunk, Speaker

log = structlog.get_logger("gateway.practice.microphones")


class AudioSource(Ear, Voice, Protocol):
    """A partner's audio: ``gateway.media.partner.PartnerMedia``, or what stands for one that is elsewhere."""

    state: MediaState
    on_state: Callable[[], None] | None

    def begin(self, clock: SessionClock, at: int) -> None: ...
    def stop(self) -> None: ...
    def poll(self) -> None: ...
    def hear(self, other: Voice | None) -> None: ...
    async def close(self) -> None: ...


class Microphones:
    """``deliver`` gets the audio, ``changed`` hears of every change of a connection."""

    def __init__(
        self,
        session: str,
        deliver: Callable[[AudioChunk], None],
        changed: Callable[[Speaker], None],
        settings: MediaSettings,
        metrics: Metrics,
    ) -> None:
        self._session = session
        self._deliver = deliver
        self._changed = changed
        self._settings = settings
        self._metrics = metrics
        self._audible = False
        self._media: dict[Speaker, AudioSource] = {}
        for speaker in Speaker:
            self._take(speaker, None)

    @property
    def sources(self) -> Mapping[Speaker, AudioSource]:
        """As they are at any time."""
        return self._media

    def state(self, speaker: Speaker) -> MediaState:
        return self._media[speaker].state

    def use(self, speaker: Speaker, elsewhere: AudioSource | None) -> AudioSource | None:
        """From now on this partner's audio comes from there; None: from a connection to this gateway.

        Returns what it came from before, to be closed, or None where nothing changes.
        """
        before = self._media[speaker]
        if elsewhere is before or (elsewhere is None and isinstance(before, PartnerMedia)):
            return None
        self.count()
        before.on_state = None
        before.stop()
        self._take(speaker, elsewhere)
        self.hear_each_other(self._audible)
        return before

    async def connect(self, speaker: Speaker, seat: Outbox, sdp: str) -> None:
        """Answers an offer, or says why not."""
        own = self._media[speaker]
        if isinstance(own, PartnerMedia):
            await answer(own, seat, sdp, self._session)

    def hear_each_other(self, audible: bool) -> None:
        self._audible = audible
        for speaker, own in self._media.items():
            own.hear(self._media[speaker.other] if audible else None)

    def poll(self) -> None:
        for own in self._media.values():
            own.poll()

    def count(self) -> None:
        """What the network did since the last call goes into the metrics."""
        for own in self._media.values():
            if isinstance(own, PartnerMedia):
                self._metrics.count_media(own)

    async def close(self) -> None:
        self.count()
        for own in self._media.values():
            own.on_state = None
        ends = await asyncio.gather(*(own.close() for own in self._media.values()), return_exceptions=True)
        for error in ends:
            if isinstance(error, BaseException):
                log.error("a connection did not close", session=self._session, error=repr(error))

    def _take(self, speaker: Speaker, elsewhere: AudioSource | None) -> None:
        own = elsewhere or PartnerMedia(self._session, speaker, self._deliver, self._settings)
        self._media[speaker] = own
        own.on_state = lambda: self._changed(speaker)


async def answer(media: PartnerMedia, seat: Outbox, sdp: str, session: str) -> None:
    """Answers an offer, or says why not."""
    try:
        seat.offer(Answer(sdp=await media.connect(sdp)))
    except Refused as error:
        seat.refuse(error)
    except Exception as error:
        log.error("an offer could not be answered", session=session, error=repr(error), exc_info=error)
        seat.refuse(Refused("bad_offer", "The audio connection could not be set up."))
