// Words on the pages: only where both agreed, and what somebody reached for is asked of them.
import { afterEach, describe, expect, it, vi } from "vitest";
import { render } from "preact";
import { act } from "preact/test-utils";
import { LineBook } from "../src/lanes/book";
import { worded } from "../src/parts/live_words";
import { around } from "../src/report/spoken";
import type { Report, Spoken } from "../src/report/types";
import { ReportView } from "../src/report/view";
import { report as words } from "../src/report/words";
import { line, report, roomOf } from "./samples";

const spoken: Spoken = {
  quotes: [
    { by: "a", start_s: 10, end_s: 12, text: "So the card bill came.", confidence: 0.9 },
    { by: "b", start_s: 70, end_s: 71, text: "I am sorry.", confidence: 0.4 },
  ],
  reaching: [{ words: "w1", by: "a", at_s: 90, text: "I just want us to decide together.", answer: "asked" }],
  starts: [{ by: "b", at_s: 30, kind: "gentle", because: "it asks: “could we”", text: "Could we talk?" }],
  language: "en",
  summary_offered: false,
};
const withWords: Report = { ...report, spoken };
const names = { a: "A", b: "B" };

async function draw(shown: Report): Promise<HTMLElement> {
  const root = document.body.appendChild(document.createElement("main"));
  await act(() => render(<ReportView report={shown} token="t" own={false} />, root));
  return root;
}

afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

describe("the report", () => {
  it("says nothing of words where not both agreed", async () => {
    const root = await draw(report);
    expect(root.querySelector(".spoken")).toBeNull();
    expect(root.textContent).not.toContain(words.quotes);
  });

  it("quotes what was said, and says where it was hard to hear", async () => {
    const told = (await draw(withWords)).querySelector(".spoken")?.textContent ?? "";
    expect(told).toContain("So the card bill came.");
    expect(told).toContain(words.unsure);
    expect(told).toContain("it asks: “could we”");
  });

  it("names who began gently, and nobody whose start could be softer", async () => {
    const starts = (["gentle", "harsh"] as const).map((kind, at_s) => ({ by: "b" as const, at_s, kind, because: "it asks", text: "" }));
    const rows = [...(await draw({ ...report, spoken: { ...spoken, starts } })).querySelectorAll(".spoken > .quotes li")];
    expect(rows.map((row) => row.querySelector(".name-b")?.textContent)).toEqual(["Partner B", undefined]);
  });

  it("says where words were lost, in their place", async () => {
    const lost = { by: "a" as const, start_s: 20, end_s: 24, text: "", confidence: 0 };
    const quotes = [spoken.quotes[0], lost, spoken.quotes[1]].filter((quote) => quote !== undefined);
    const root = await draw({ ...report, spoken: { ...spoken, quotes } });
    const rows = [...root.querySelectorAll(".spoken .fold .quotes li")].map((row) => row.textContent);
    expect(rows[1]).toContain(words.lost);
    expect(rows[1]).not.toContain("“");
  });

  it("sends a partner's answer to what they were reaching for", async () => {
    const fetched = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response('{"yes":true}'));
    const root = await draw(withWords);
    const yes = [...root.querySelectorAll("button")].find((button) => button.textContent === words.reachingYes);
    await act(() => yes?.click());
    const [path, sent] = fetched.mock.calls[0] ?? [];
    expect([path, sent?.body]).toEqual(["/api/reaching", '{"words":"w1","yes":true}']);
    expect(yes?.getAttribute("aria-pressed")).toBe("true");
  });

  it("shows no summary where the gateway has no model for it", async () => {
    expect((await draw(withWords)).textContent).not.toContain(words.summary);
    expect((await draw({ ...report, spoken: { ...spoken, summary_offered: true } })).textContent).toContain(words.summary);
  });

  it("finds the quotes within 20 seconds of a mark", () => {
    expect(around(spoken, 31, 32).map((quote) => quote.start_s)).toEqual([10]);
    expect(around(spoken, 50.5, 51).map((quote) => quote.start_s)).toEqual([70]);
  });
});

describe("live", () => {
  it("takes a revised final, and forgets a text that was taken back", () => {
    const book = new LineBook();
    const said = line("words", 1, 3, { by: "a", text: "Thank you for", status: "open" });
    const overlap = line("talk_over", 1, 3, { id: "o", by: "a", over: "b" });
    book.add([said, overlap]);
    expect(book.words().map((each) => each.text)).toEqual(["Thank you for"]);
    book.add([{ ...said, status: "final", text: "", decided_s: 4 }, { ...overlap, kind: "backchannel", decided_s: 5 }]);
    expect(book.words()).toEqual([]);
    expect(book.picture(names, 0, 10, 10).rail.map((mark) => mark.kind)).toEqual(["backchannel"]);
    book.add([overlap]);
    expect(book.picture(names, 0, 10, 10).rail.map((mark) => mark.kind)).toEqual(["backchannel"]);
  });

  it("needs both partners' yes", () => {
    const room = roomOf("practising");
    expect(worded(room)).toBe(false);
    expect(worded({ ...room, partners: { a: { ...room.partners.a, words: true }, b: room.partners.b } })).toBe(false);
    const both = { a: { ...room.partners.a, words: true }, b: { ...room.partners.b, words: true } };
    expect(worded({ ...room, partners: both })).toBe(true);
  });
});
