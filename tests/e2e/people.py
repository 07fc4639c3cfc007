"""What partners do in their browsers, in the words that they read there."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import BrowserContext, Page, expect

from gateway.simulated import SimulatedPartner
from streaming.types import SAMPLE_RATE_HZ, Samples
from tests.e2e.browser import GatewayProcess

_MICROPHONE_PATH = "/e2e-microphone.wav"

# Chromium's file microphone starts whenever the page happens to open it, so two of them are never in step,
# and an overlap that is off by 200 ms is another overlap. A Web Audio graph as the microphone has a clock of
# its own: both pages start their channel at one instant of the wall clock.
_STEPPED_MICROPHONE = """
if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
  const context = new AudioContext({ sampleRate: 48000 });
  const sound = await context.decodeAudioData(await (await fetch("PATH")).arrayBuffer());
  const out = context.createMediaStreamDestination();
  const tone = context.createBufferSource();  // as in any room; a graph without a source sends nothing at all
  tone.buffer = context.createBuffer(1, 48000, 48000);
  tone.buffer.getChannelData(0).forEach((_, i, data) => { data[i] = (Math.random() - 0.5) * 0.0005; });
  tone.loop = true;
  tone.connect(out);
  tone.start();
  window.speakAt = (unixMs) => {
    const source = context.createBufferSource();
    source.buffer = sound;
    source.connect(out);
    window.spoken = new Promise((done) => { source.onended = () => done(true); });
    const waitMs = unixMs - (performance.timeOrigin + performance.now());
    source.start(context.currentTime + waitMs / 1000);
    return waitMs;
  };
  return out.stream;
};
""".replace("PATH", _MICROPHONE_PATH)


async def give_stepped_microphone(context: BrowserContext, wav: Path) -> None:
    """Every page's microphone is ``wav``, silent until ``speak_at``."""
    await context.add_init_script(_STEPPED_MICROPHONE)
    await context.route(f"**{_MICROPHONE_PATH}", lambda route: route.fulfill(path=wav, content_type="audio/wav"))


async def speak_at(page: Page, unix_s: float) -> None:
    """The microphone hears its file from that instant on."""
    wait_ms = await page.evaluate("(unixMs) => window.speakAt(unixMs)", unix_s * 1000)
    assert wait_ms > 0, f"asked {-wait_ms:.0f} ms too late"


async def spoken(page: Page) -> None:
    """Waits for the file's end."""
    await page.evaluate("() => window.spoken")


async def open_link(context: BrowserContext, gateway: GatewayProcess, token: str, page: str = "join") -> Page:
    opened = await context.new_page()
    await opened.goto(f"{gateway.url}/{page}#{token}")
    return opened


async def agree(page: Page, name: str, *, observer: bool = False, words: bool = False) -> None:
    """From the opened link to the yes."""
    await page.get_by_role("button", name="No, I feel safe").click()
    await page.get_by_role("radio", name=re.compile("^Apart")).check()
    await page.get_by_label("Your first name").fill(name)
    if observer:
        await page.get_by_label("An observer may watch live").check()
    if words:
        await page.get_by_label("Write our words down").check()
    await page.get_by_role("button", name="Yes, I agree: use my microphone").click()


async def practising(page: Page) -> None:
    """Waits until this partner's page says that it listens."""
    await expect(page.get_by_text("Listening", exact=True).first).to_be_visible(timeout=30_000)


async def end(page: Page) -> None:
    await page.get_by_role("button", name="End", exact=True).click()
    await page.get_by_role("button", name="End it").click()


def simulated(gateway: GatewayProcess, token: str, audio: Samples) -> SimulatedPartner:
    """A partner without a browser; ``audio`` is 16 kHz."""
    return SimulatedPartner(gateway.socket_url, token, audio, rate_hz=SAMPLE_RATE_HZ)
