"""Both partners' audio connections of one practice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from gateway.media import MediaSettings, MediaStats, PartnerMedia
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.protocol import Answer, MediaState
from gateway.refusals import refused_message
from streaming.errors import Refused
from streaming.types import AudioChunk, Speaker

log = structlog.get_logger("gateway.microphones")


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
        self._metrics = metrics
        self._counted: dict[Speaker, MediaStats] = {}
        self._media = {speaker: PartnerMedia(session, speaker, deliver, settings) for speaker in Speaker}
        for speaker, own in self._media.items():
            own.on_state = lambda speaker=speaker: changed(speaker)

    @property
    def sources(self) -> Mapping[Speaker, PartnerMedia]:
        return self._media

    def state(self, speaker: Speaker) -> MediaState:
        return self._media[speaker].state

    async def connect(self, speaker: Speaker, seat: Outbox, sdp: str) -> None:
        """Answers an offer, or says why not."""
        try:
            seat.offer(Answer(sdp=await self._media[speaker].connect(sdp)))
        except Refused as error:
            self._metrics.refusals.labels(error.code).inc()
            seat.offer(refused_message(error))
        except Exception as error:
            log.error("an offer could not be answered", session=self._session, error=repr(error), exc_info=error)
            seat.offer(refused_message(Refused("bad_offer", "The audio connection could not be set up.")))

    def hear_each_other(self, audible: bool) -> None:
        for speaker, own in self._media.items():
            own.hear(self._media[speaker.other] if audible else None)

    def poll(self) -> None:
        for own in self._media.values():
            own.poll()

    def count(self) -> None:
        """What the network did since the last call goes into the metrics."""
        for speaker, own in self._media.items():
            stats = own.stats()
            self._metrics.count_media(self._counted.get(speaker), stats)
            self._counted[speaker] = stats

    async def close(self) -> None:
        self.count()
        for own in self._media.values():
            own.on_state = None
        ends = await asyncio.gather(*(own.close() for own in self._media.values()), return_exceptions=True)
        for error in ends:
            if isinstance(error, BaseException):
                log.error("a connection did not close", session=self._session, error=repr(error))
