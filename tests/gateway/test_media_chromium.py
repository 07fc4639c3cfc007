"""The media path against the browser that people use: a real headless Chromium with a microphone of beeps."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

from benchmarks.chromium import CHROMIUM, QUIET, serve_sound, write_sound
from benchmarks.impaired import placeless
from gateway.demo import DIALOGUE
from gateway.media.clock import SessionClock
from gateway.media.partner import PartnerMedia
from gateway.voice_track import resampled
from streaming.audio import read_partners
from streaming.types import SAMPLE_RATE_HZ, AudioChunk, Speaker
from tests.gateway.media_peer import Machine, beep_starts, path, practise, until
from tests.gateway.rtp_script import assert_contiguous

pytestmark = [pytest.mark.browser, pytest.mark.alone]

# A microphone made of Web Audio: 700 Hz, on for 100 ms each half second, as speech-like as a test needs.
OFFER = """async ({extra, speech}) => {
  const context = new AudioContext({sampleRate: 48000});
  await context.resume();
  const microphone = context.createMediaStreamDestination();
  const tone = context.createOscillator(), gate = context.createGain();
  tone.frequency.value = 700;
  gate.gain.value = 0;
  for (let n = 0; n < 120; n++) {
    gate.gain.setValueAtTime(0.4, context.currentTime + n * 0.5);
    gate.gain.setValueAtTime(0, context.currentTime + n * 0.5 + 0.1);
  }
  if (speech) {
    const voice = context.createBufferSource();
    voice.buffer = await context.decodeAudioData(await (await fetch(speech)).arrayBuffer());
    voice.loop = true;
    voice.connect(microphone);
    voice.start();
  } else {
    tone.connect(gate).connect(microphone);
    tone.start();
  }
  const call = new RTCPeerConnection({iceServers: []});
  Object.assign(window, {call, microphone, loudest: 0});
  call.ontrack = ({streams}) => {
    const ear = context.createAnalyser(), samples = new Float32Array(ear.fftSize);
    const player = new Audio();  // Chromium decodes a remote track only where an element plays it
    player.srcObject = streams[0];
    player.muted = true;
    player.play();
    context.createMediaStreamSource(streams[0]).connect(ear);
    setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      window.loudest = Math.max(window.loudest, ...samples);
    }, 20);
  };
  if (extra) call.addTransceiver('video');
  call.addTrack(microphone.stream.getAudioTracks()[0], microphone.stream);
  if (extra) call.createDataChannel('chat');
  await call.setLocalDescription(await call.createOffer());
  while (call.iceGatheringState !== 'complete')
    await new Promise(resolve => call.addEventListener('icegatheringstatechange', resolve, {once: true}));
  return call.localDescription.sdp;
}"""
REPORTED_LOSS = """async () => {
  const told = [...(await call.getStats()).values()].filter(each => each.type === 'remote-inbound-rtp');
  return Math.max(...told.map(each => each.fractionLost));
}"""
ACCEPT = "sdp => call.setRemoteDescription({type: 'answer', sdp})"


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        await chromium.close()


async def new_page(browser: Browser) -> Page:
    page = await (await browser.new_context()).new_page()

    async def empty(route: Route) -> None:
        await route.fulfill(body="<!doctype html>", content_type="text/html")

    await page.route("**/*", empty)
    await page.goto("http://localhost/")
    return page


async def offered(page: Page, *, extra: bool = False, speech: str = "") -> str:
    sdp: Any = await page.evaluate(OFFER, {"extra": extra, "speech": speech})
    return str(sdp)


async def test_chromium_connects_in_under_a_second_and_its_beeps_are_heard(browser: Browser) -> None:
    chunks: list[AudioChunk] = []
    media = PartnerMedia("s", Speaker.A, chunks.append)
    page = await new_page(browser)
    offer = await offered(page)
    began_s = time.monotonic()
    await page.evaluate(ACCEPT, await media.connect(offer))
    await until(lambda: media.state == "connected")
    assert time.monotonic() - began_s < 1.0
    await practise([media], 0.5)
    media.begin(SessionClock.start(), 0)
    await practise([media], 3.0)
    assert_contiguous(chunks, 0)
    starts = beep_starts(chunks)
    assert len(starts) >= 4
    np.testing.assert_allclose(np.diff(starts), 0.5, atol=0.02)
    stats = media.stats()
    assert stats.lost == stats.undecodable == 0
    await media.close()


async def test_addresses_hidden_behind_local_names_neither_break_nor_delay_the_answer(browser: Browser) -> None:
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    page = await new_page(browser)
    # What Chromium offers a page that may not know its own address.
    hidden = re.sub(
        r"(a=candidate:\S+ \d \S+ \d+ )\S+", r"\g<1>0b1c2d3e-aaaa-4bbb-8ccc-0123456789ab.local", await offered(page)
    )
    assert ".local" in hidden
    began_s = time.monotonic()
    answer = await media.connect(hidden)
    assert time.monotonic() - began_s < 0.3
    await page.evaluate(ACCEPT, answer)
    await until(lambda: media.state == "connected", 1.0)
    await media.close()


async def test_an_offer_of_video_and_data_still_gets_its_audio_call(browser: Browser) -> None:
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    page = await new_page(browser)
    await page.evaluate(ACCEPT, await media.connect(await offered(page, extra=True)))
    await until(lambda: media.stats().packets > 20)
    directions: Any = await page.evaluate("call.getTransceivers().map(each => each.currentDirection)")
    assert directions == ["sendrecv"]  # Chromium drops what was turned down
    await media.close()


async def test_two_browsers_hear_each_other(browser: Browser) -> None:
    a = PartnerMedia("s", Speaker.A, lambda chunk: None)
    b = PartnerMedia("s", Speaker.B, lambda chunk: None)
    a.hear(b)
    b.hear(a)
    pages = [await new_page(browser), await new_page(browser)]
    for page, media in zip(pages, (a, b), strict=True):
        await page.evaluate(ACCEPT, await media.connect(await offered(page)))
    for page in pages:
        await page.wait_for_function("window.loudest > 0.2", timeout=10_000)
    async with asyncio.timeout(10):
        while a.stats().round_trip_ms is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await a.close()
    await b.close()


async def test_a_reloaded_page_comes_back_into_the_same_session_time(browser: Browser) -> None:
    chunks: list[AudioChunk] = []
    media = PartnerMedia("s", Speaker.A, chunks.append)
    page = await new_page(browser)
    await page.evaluate(ACCEPT, await media.connect(await offered(page)))
    await until(lambda: media.state == "connected")
    clock = SessionClock.start()
    media.begin(clock, 0)
    await practise([media], 1.0)
    reload = asyncio.create_task(page.reload())
    await practise([media], 0.5)
    await reload
    offer = asyncio.create_task(offered(page))
    while not offer.done():
        await practise([media], 0.02)
    back_s = time.monotonic()
    await page.evaluate(ACCEPT, await media.connect(offer.result()))
    await until(lambda: media.state == "connected")
    assert time.monotonic() - back_s < 1.0
    await practise([media], 1.2)
    assert_contiguous(chunks, 0)
    assert len([s for s in beep_starts(chunks) if s > (clock.now() / 16_000 - 1.2)]) >= 2
    await media.close()


async def test_a_disabled_track_is_silence_and_a_removed_one_is_lost_media(browser: Browser) -> None:
    chunks: list[AudioChunk] = []
    media = PartnerMedia("s", Speaker.A, chunks.append)
    page = await new_page(browser)
    await page.evaluate(ACCEPT, await media.connect(await offered(page)))
    await until(lambda: media.state == "connected")
    media.begin(SessionClock.start(), 0)
    await page.evaluate("microphone.stream.getAudioTracks()[0].enabled = false")
    await practise([media], 0.5)
    silent_from = len(chunks)
    await practise([media], 1.0)
    assert not any(c.missing for c in chunks[silent_from:])
    assert max(np.abs(c.samples).max() for c in chunks[silent_from:]) < 0.01
    await page.evaluate("call.getSenders()[0].replaceTrack(null)")
    await practise([media], 2.5)
    states = [media.state]
    assert chunks[-1].missing
    await page.evaluate(
        "microphone.stream.getAudioTracks()[0].enabled = true;"
        "call.getSenders()[0].replaceTrack(microphone.stream.getAudioTracks()[0])"
    )
    await practise([media], 1.5)
    assert [*states, media.state] == ["lost", "connected"]
    tail = [c for c in chunks if c.start > chunks[-1].end - 8000]
    assert not any(c.missing for c in tail)
    assert_contiguous(chunks, 0)
    await media.close()


async def test_under_loss_short_holes_are_filled_and_the_beeps_of_chromium_stay_where_they_are(
    browser: Browser, machine: Machine
) -> None:
    rng = random.Random(4)
    chunks: list[AudioChunk] = []
    media = PartnerMedia("s", Speaker.A, chunks.append)
    page = await new_page(browser)
    async with path(lambda n: None if rng.random() < 0.1 else 0.0) as between:
        offer = placeless(await offered(page))
        await page.evaluate(ACCEPT, await between.open(await media.connect(offer)))
        await until(lambda: media.state == "connected")
        await practise([media], 4.0)  # Chromium learns of the loss from receiver reports
        media.begin(SessionClock.start(), 0)
        await practise([media], 5.0)
        stats = media.stats()
        assert stats.lost > 10
        assert stats.recovered + stats.concealed > 0  # a tone seldom takes the speech coder, which alone sends copies
        assert_contiguous(chunks, 0)
        starts = np.array(beep_starts(chunks))
        assert len(starts) >= 8
        off = starts - starts[0] - np.round((starts - starts[0]) / 0.5) * 0.5
        assert np.percentile(np.abs(off - np.median(off)), 90) < 0.04 + machine.late_s
        await media.close()


async def test_chromium_is_told_of_loss_and_its_copies_bring_speech_back(browser: Browser, tmp_path: Path) -> None:
    said = read_partners([DIALOGUE])[Speaker.A][round(28.3 * SAMPLE_RATE_HZ) : round(33.3 * SAMPLE_RATE_HZ)]
    wav = write_sound(tmp_path / "speech.wav", resampled(said, SAMPLE_RATE_HZ))
    rng = random.Random(5)
    media = PartnerMedia("s", Speaker.A, lambda chunk: None)
    page = await new_page(browser)
    await serve_sound(page, "**/speech.wav", wav)
    async with path(lambda n: None if rng.random() < 0.1 else 0.0) as between:
        answer = await media.connect(placeless(await offered(page, speech="/speech.wav")))
        assert "useinbandfec=1" in answer
        await page.evaluate(ACCEPT, await between.open(answer))
        await until(lambda: media.state == "connected")
        media.begin(SessionClock.start(), 0)
        async with asyncio.timeout(20):
            while media.stats().recovered < 5:
                await practise([media], 0.2)
        assert await page.evaluate(REPORTED_LOSS) > 0.02
        await media.close()
