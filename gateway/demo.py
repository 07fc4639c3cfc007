"""The demo practice: two simulated partners speak the bundled dialogue in a real session, for whoever watches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.practice.registry import NewSession
from gateway.simulated import SimulatedPartner, speak_together
from gateway.tasks import Tasks, first_of
from streaming.audio import read_partners
from streaming.errors import BreathmarkError, Refused
from streaming.types import SAMPLE_RATE_HZ, Speaker

DIALOGUE = Path(__file__).parent / "assets" / "dialogue.ogg"
_NAMES = {Speaker.A: "Nora", Speaker.B: "Ben"}

log = structlog.get_logger("gateway.demo")


@dataclass(frozen=True, slots=True)
class DemoSettings:
    dialogue: Path = DIALOGUE  # stereo, left = a
    at_once: int = 4  # each costs about as much as a couple, and four Opus streams of its own
    wait_for_watcher_s: float = 5.0  # a page opens its socket within a second or two
    unwatched_s: float = 20.0  # long enough to reload the page, or to come back to the tab
    after_last_word_s: float = 2.5  # the last overlap is decided and painted before the end
    at_most_s: float = 240.0  # more than twice the dialogue; then something hangs


class Demos:
    """The demos that run in this process: bounded, and cleaned up when they end or nobody watches."""

    def __init__(
        self,
        create: Callable[[], Awaitable[NewSession]],
        socket_url: Callable[[], str],
        settings: DemoSettings | None = None,
    ) -> None:
        """``create`` makes the session, ``socket_url`` says where this gateway's own ws://…/ws is."""
        self._create = create
        self._socket_url = socket_url
        self._settings = settings or DemoSettings()
        self._tasks = Tasks()
        self._starting = 0

    @property
    def running(self) -> int:
        return len(self._tasks) + self._starting

    async def start(self) -> NewSession:
        """Returns as soon as the session exists. Raises Refused ``no_demo`` where all places are taken."""
        if self.running >= self._settings.at_once:
            raise Refused("no_demo", f"All demo places ({self._settings.at_once}) are taken just now.")
        self._starting += 1
        try:
            new = await self._create()
        finally:
            self._starting -= 1
        self._tasks.spawn(self._perform(new), f"demo {new.session}")
        return new

    async def close(self) -> None:
        """Stops what runs, and waits until it has let go of its sockets."""
        await self._tasks.close()

    async def _perform(self, new: NewSession) -> None:
        try:
            async with asyncio.timeout(self._settings.at_most_s):
                await self._play(new)
        except (BreathmarkError, TimeoutError) as error:
            log.warning("demo stopped", session=new.session, reason=str(error) or type(error).__name__)

    async def _play(self, new: NewSession) -> None:
        audio = await asyncio.to_thread(read_partners, [self._settings.dialogue])
        async with AsyncExitStack() as stack:
            partners = [
                await stack.enter_async_context(
                    SimulatedPartner(
                        self._socket_url(),
                        new.tokens[speaker.value],
                        audio[speaker],
                        rate_hz=SAMPLE_RATE_HZ,
                        name=_NAMES[speaker],
                    )
                )
                for speaker in Speaker
            ]
            first = partners[0]
            for partner in partners:
                await partner.set_up(same_room=False)
                await partner.connect_media()
            await self._watcher(first)
            for partner in partners:
                await partner.consent()
            await speak_together(partners)
            if await first_of(first.played(), self._unwatched(first)) == 0:
                await asyncio.sleep(self._settings.after_last_word_s)
            await first.end()

    async def _watcher(self, partner: SimulatedPartner) -> None:
        """Waits until somebody watches, but not for ever: the report is worth having too."""
        try:
            async with asyncio.timeout(self._settings.wait_for_watcher_s):
                await partner.until(lambda: _watched(partner))
        except TimeoutError:
            log.info("demo starts unwatched", session=partner.session)

    async def _unwatched(self, partner: SimulatedPartner) -> None:
        """Returns once nobody has watched for a while."""
        while True:
            await partner.until(lambda: not _watched(partner))
            try:
                async with asyncio.timeout(self._settings.unwatched_s):
                    await partner.until(lambda: _watched(partner))
            except TimeoutError:
                log.info("demo ends unwatched", session=partner.session)
                return


def _watched(partner: SimulatedPartner) -> bool:
    return bool(partner.room.get("observers", 0))
