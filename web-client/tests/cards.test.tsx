import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EndedScreen } from "../src/pages/ended";
import { StartPage } from "../src/pages/start";
import { NotToday } from "../src/parts/not_today";
import { nextTime } from "../src/parts/reminder";
import { tellCue } from "../src/report/cues";
import { Scope } from "../src/report/scope";
import { cards, ended, start } from "../src/words";
import { card, report, roomOf } from "./samples";

let root: HTMLElement;
const asked: { path: string; method: string; body: unknown; token: string | null }[] = [];
let answers: Record<string, { status: number; body: unknown }>;

beforeEach(() => {
  root = document.createElement("div");
  document.body.append(root);
  asked.length = 0;
  answers = {
    "/api/cards": { status: 200, body: { cards: [card] } },
    "/api/practised": { status: 201, body: { said: "Half counts." } },
    "/api/sessions": { status: 400, body: { code: "bad_anchor", message: "The reason.", way_out: "The way." } },
  };
  // The gateway stands elsewhere; what it takes and says is held by its own tests.
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : null;
    asked.push({ path, method: init.method ?? "", body, token: new Headers(init.headers).get("Authorization") });
    const answer = answers[path];
    return Promise.resolve(new Response(JSON.stringify(answer?.body), { status: answer?.status ?? 404 }));
  });
});
afterEach(() => {
  void act(() => render(null, root));
  root.remove();
  vi.unstubAllGlobals();
});

const button = (label: string) => [...root.querySelectorAll("button")].find((each) => each.textContent === label);
const press = (label: string) => act(() => void button(label)?.click());

async function openCards(): Promise<HTMLInputElement[]> {
  await act(() => render(<StartPage />, root));
  await act(() => {
    const fold = root.querySelector<HTMLDetailsElement>("details.cards");
    if (fold) fold.open = true;
    fold?.dispatchEvent(new Event("toggle"));
  });
  await vi.waitFor(() => expect(root.querySelectorAll("input[name=card]")).toHaveLength(3));
  return [...root.querySelectorAll<HTMLInputElement>("input[name=card]")];
}

test("to just talk comes first, is chosen, and asks for no card", async () => {
  const [talk] = await openCards();
  expect(talk?.checked).toBe(true);
  await press(start.start);
  expect(asked.at(-1)).toMatchObject({ path: "/api/sessions", method: "POST", body: {} });
});

test("a card is started with the couple's own habit, and what is wrong with it stands above the button", async () => {
  const [, , first] = await openCards();
  await act(() => void first?.click());
  for (const text of [card.done_when, card.fallback, "3 minutes", "Four turns."]) expect(root.textContent).toContain(text);
  const habit = root.querySelector<HTMLInputElement>(".card input");
  expect(habit?.value).toBe(card.anchor);
  await act(() => {
    if (habit) habit.value = "after <tea>";
    habit?.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await press(start.start);
  expect(asked.at(-1)?.body).toEqual({ card: card.id, anchor: "after <tea>" });
  await vi.waitFor(() => expect(root.querySelector("[role=alert]")?.textContent).toContain("The reason. The way."));
});

test("a couple writes a card of its own in three fields, and what is wrong with it is said without alarm", async () => {
  const [, own] = await openCards();
  await act(() => void own?.click());
  const [skill, anchor] = root.querySelectorAll<HTMLInputElement>(".card .field input");
  for (const [field, text] of [[skill, "hand the spoon over"], [anchor, "after the tea"]] as const)
    await act(() => {
      if (field) field.value = text;
      field?.dispatchEvent(new Event("input", { bubbles: true }));
    });
  await act(() => root.querySelector<HTMLInputElement>("input[name=minutes]")?.click());
  await press(start.start);
  expect(asked.at(-1)?.body).toEqual({ own: { skill: "hand the spoon over", anchor: "after the tea", minutes: 3 } });
  await vi.waitFor(() => expect(root.querySelector("[role=alert]")?.textContent).toBe("The reason. The way."));
});

test("at the end one tap says how it went, the answer is kind, and another tap changes it", async () => {
  await act(() => render(<EndedScreen report="r" token="mine" me="a" room={{ ...roomOf("ended"), card }} />, root));
  const buttons = () => [...root.querySelectorAll<HTMLButtonElement>("[role=group] button")];
  expect(buttons().map((each) => each.textContent)).toEqual(Object.values(cards.answers));
  await press(cards.answers.bend);
  expect(asked.at(-1)).toMatchObject({ path: "/api/practised", body: { act: "bend" }, token: "Bearer mine" });
  await vi.waitFor(() => expect(root.textContent).toContain("Half counts."));
  const pressed = () => buttons().filter((each) => each.getAttribute("aria-pressed") === "true");
  expect(pressed().map((each) => each.textContent)).toEqual([cards.answers.bend]);
  await press(cards.answers.finish);
  await vi.waitFor(() => expect(pressed().map((each) => each.textContent)).toEqual([cards.answers.finish]));
  expect(asked.at(-1)?.body).toEqual({ act: "finish" });
});

test("the same two go on from their own links, and either may have forgotten what was learnt", async () => {
  answers["/api/again"] = { status: 409, body: { code: "link_in_use", message: "It is open.", way_out: "Go there." } };
  answers["/api/forget"] = { status: 200, body: { learnt: false } };
  await act(() => render(<EndedScreen report="r" token="mine-and-only" me="b" room={{ ...roomOf("ended"), learnt: true }} />, root));
  await press(ended.next);
  expect(asked.at(-1)).toMatchObject({ path: "/api/again", method: "POST", token: "Bearer mine-and-only" });
  expect((asked.at(-1)?.body as { device: string }).device.length).toBeGreaterThan(8);
  await vi.waitFor(() => expect(root.querySelector("[role=alert]")?.textContent).toBe("It is open. Go there."));
  expect(root.textContent).toContain(ended.kept);
  await press(ended.forget);
  await vi.waitFor(() => expect(root.textContent).toContain(ended.forgotten));
  expect(button(ended.forget)).toBeUndefined();
});

test("whoever just talked is asked nothing", async () => {
  await act(() => render(<EndedScreen report="r" token="mine" me="a" room={roomOf("ended")} />, root));
  expect([...root.querySelectorAll("main button")].map((each) => each.textContent)).toEqual([ended.next]);
});

test("the reminder is for the same weekday and time of day, also over the end of a year", () => {
  expect(nextTime(new Date(2026, 11, 28, 19, 33))).toEqual({ date: "2027-01-04", time: "19:30" });
});

test("the report tells the card, its habit, and what both said of it", async () => {
  const practised = { card: card.title, planned_s: 600, done_s: 492, anchor: card.anchor, answers: [{ by: "b", act: "bend" }] } as const;
  const turns = { lasted_s: 185, said_back: 3, found_right: 2, added_to: 1, handed_over: 2, broken_into: 0 };
  const pauses = { asked: 1, kept: 1, time_outs: 0, came_back: 0 };
  const told = { ...report, practised: { ...report.practised, ...practised, answers: [...practised.answers], turns, pauses } };
  await act(() => render(<Scope report={told} names={{ a: "Nora", b: "Ben" }} />, root));
  expect(root.textContent).toContain(`“${card.title}”, ${card.anchor}, 8:12, planned 10:00.`);
  expect(root.textContent).toContain("Ben said: “We did half”");
  expect(root.textContent).toContain("For 3:05 you took agreed turns: 3 times something was said back, and 2 times the floor went over.");
  expect(root.textContent).toContain("A pause was asked for, and you came back from it.");
});

test("every cue is told with whose screens it was on and what followed", () => {
  const cue = { at_s: 72, level: 2, text: "Breathe together", shown_on: ["a", "b"], went_quiet: ["b"], settled_s: 24 } as const;
  const told = (verdict: "followed" | null, signs: string[]) =>
    tellCue({ ...cue, shown_on: [...cue.shown_on], went_quiet: [...cue.went_quiet], verdict, signs }, { a: "Nora", b: "Ben" });
  expect(told("followed", ["breathed", "arousal_settled"])).toBe(
    "On both screens. Taken up: you were quiet together for a while; after 24 seconds the voices were back at their own usual; Ben made room within three seconds.",
  );
  expect(told(null, [])).toContain("The practice ended soon after");
});

test("a card may be put off before it is begun, with a reminder at hand", async () => {
  await act(() => render(<NotToday card={card} token="mine" />, root));
  await press(cards.answers.defer);
  expect(asked.at(-1)).toMatchObject({ path: "/api/practised", body: { act: "defer" }, token: "Bearer mine" });
  await vi.waitFor(() => expect(root.textContent).toContain("Half counts."));
  expect(root.textContent).toContain(cards.again);
});
