"""Words in two browsers: written down while both agree, masked, stopped at one no, and summed up only as shown."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from benchmarks.chromium import DESKTOP, give_voice, say, write_sound
from gateway.demo import DIALOGUE
from gateway.voice_track import resampled
from streaming.audio import read_partners
from streaming.types import SAMPLE_RATE_HZ, Samples, Speaker
from tests.e2e import people
from tests.e2e.browser import GatewayProcess
from tests.e2e.looking import faults
from tests.gateway.test_words_live import asked_of_the_model, language_model

pytestmark = [pytest.mark.alone, pytest.mark.browser]

A, B = Speaker
HEARD_MS = 60_000  # the transcriber runs at a lower priority than all else
# Of the dialogue, from and to, and when it is spoken here: seconds.
LINES = {
    A: ((8.3, 13.1, 0.5), (72.7, 74.9, 5.4)),  # "Yes. I moved two hundred …" and "I just want us to decide together."
    B: ((74.9, 79.1, 8.0),),  # "So you worry about the month … Did I get that right?"
}
LENGTH_S = 12.5


def sound(speaker: Speaker) -> Samples:
    whole, out = read_partners([DIALOGUE])[speaker], np.zeros(int(LENGTH_S * SAMPLE_RATE_HZ), np.float32)
    for from_s, to_s, at_s in LINES[speaker]:
        line = whole[int(from_s * SAMPLE_RATE_HZ) : int(to_s * SAMPLE_RATE_HZ)]
        out[int(at_s * SAMPLE_RATE_HZ) :][: len(line)] = line
    return out


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway that writes words down, without names and numbers, and has a language model to ask."""
    with language_model() as url:
        summaries = {"BREATHMARK_SUMMARY_URL": url, "BREATHMARK_SUMMARY_MODEL": "small"}
        options = ("--words", "tiny.en", "--mask-words")
        with GatewayProcess(tmp_path / "data", options=options, environment=summaries) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def observer(chrome: Browser) -> AsyncIterator[Page]:
    async with await chrome.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}) as context:
        yield await context.new_page()


async def say_yes_to_words(page: Page, yes: bool) -> None:
    """During the practice, where one changes one's mind."""
    await page.bring_to_front()
    await page.locator("button.sign").click()
    await page.get_by_label("Write our words down").set_checked(yes)
    await page.get_by_role("button", name="Close", exact=True).click()


async def texts(gateway: GatewayProcess, links: dict[str, str]) -> list[str]:
    lines = await gateway.lines("/api/timeline", links["a"])
    return [line["text"] for line in lines if line["kind"] == "words" and line["status"] == "final" and line["text"]]


async def speak(*pages: Page) -> None:
    at = time.time() + 1.0
    for page in pages:
        await say(page, at, 0.0, LENGTH_S)


async def test_words_are_written_while_both_agree_and_used_as_each_allows(
    browser: BrowserContext, other_browser: BrowserContext, observer: Page, writing: GatewayProcess, tmp_path: Path
) -> None:
    links = (await writing.new_session())["links"]
    pages = {}
    for speaker, context, name in ((A, browser, "Nora"), (B, other_browser, "Ben")):
        wav = write_sound(tmp_path / f"{speaker}.wav", resampled(sound(speaker), SAMPLE_RATE_HZ))
        await give_voice(context, wav)
        pages[speaker] = await people.open_link(context, writing, links[speaker.value])
        await people.agree(pages[speaker], name, observer=True, words=True)
    a, b = pages[A], pages[B]
    for page in (a, b):
        await people.practising(page)
    await observer.goto(f"{writing.url}/watch#{links['observer']}")
    said = observer.locator(".said")
    await speak(a, b)
    await expect(said.locator("li.soft")).not_to_have_count(0, timeout=HEARD_MS)  # while they speak
    await expect(said.locator("li:not(.soft)", has_text="get that right")).to_be_visible(timeout=HEARD_MS)
    for text in ("[number]", "decide together"):
        await expect(said.get_by_text(text)).to_be_visible()
    for page in (a, b):
        await expect(page.get_by_text(re.compile("decide together|get that right"))).to_have_count(0)

    kept = await texts(writing, links)
    await say_yes_to_words(b, False)
    await expect(said).to_have_count(0)
    await speak(a, b)
    await asyncio.sleep(7.0)  # a has said something new to the end
    assert await texts(writing, links) == [], "one no, and nobody reads a word"
    await say_yes_to_words(b, True)
    await expect(said.get_by_text("get that right")).to_be_visible()
    assert await texts(writing, links) == kept, "what was said meanwhile is nowhere"

    await people.end(a)
    for page in (a, b):
        await page.bring_to_front()
        await page.get_by_role("link", name="Look back on it").click()
    await _what_the_reports_say(a, b)
    await _a_summary_is_shown_before_it_is_sent(b)


async def _what_the_reports_say(a: Page, b: Page) -> None:
    reaching = a.get_by_role("heading", name="What you may have been reaching for")
    await expect(reaching).to_be_visible()
    await expect(b.get_by_role("heading", name="What you may have been reaching for")).to_have_count(0)
    await a.get_by_text("What was said", exact=True).click()
    quotes = a.locator(".spoken .fold .quotes")
    await expect(quotes.get_by_text("[number]")).to_be_visible()
    assert not re.search(r"\d{3}|two hundred|Friday night", await quotes.inner_text())
    assert await faults(a) == []


async def _a_summary_is_shown_before_it_is_sent(page: Page) -> None:
    await page.bring_to_front()
    await page.get_by_text("A summary, if you like").click()
    shown = page.locator("pre.sent")
    await expect(shown).to_contain_text("decide together")
    assert asked_of_the_model() == [], "nothing is sent that was not shown"
    text: Any = json.loads(await shown.inner_text())
    await page.get_by_role("button", name="Send this and ask").click()
    await expect(page.get_by_text("They decide together.")).to_be_visible()
    assert [(sent["messages"], sent["model"]) for sent in asked_of_the_model()] == [(text["messages"], "small")]
    assert await faults(page) == []
