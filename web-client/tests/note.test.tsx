import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LineBook } from "../src/lanes/book";
import { SessionClock } from "../src/live/clock";
import { Observable } from "../src/live/observe";
import type { Session } from "../src/live/session";
import { received, type SessionState, unopened } from "../src/live/state";
import { CoupleScreen } from "../src/parts/couple";
import { mayNote, NoteField } from "../src/parts/note_field";
import type { NoteLine, Room, ToGateway } from "../src/protocol";
import { note as words } from "../src/words";
import { cueLine, line, roomOf } from "./samples";

let root: HTMLElement;

beforeEach(() => {
  root = document.createElement("div");
  document.body.append(root);
  vi.useFakeTimers();
});
afterEach(() => {
  void act(() => render(null, root));
  root.remove();
  vi.useRealTimers();
});

const noteLine = (id = "n1", text = "Slow down together"): NoteLine => ({ ...line("note", 60, 60), id, kind: "note", text });
const practising: SessionState = { ...unopened, link: "open", role: "a", room: roomOf("practising") };
const noted = received(practising, { type: "note", line: noteLine() }, 0);
const passes = (ms: number) => act(() => void vi.advanceTimersByTime(ms));

test("a pause or the end takes a note away, and none comes into a pause", () => {
  expect(noted.note?.line.text).toBe("Slow down together");
  const paused = received(noted, { type: "room", room: roomOf("paused") }, 1);
  expect(paused.note).toBeNull();
  expect(received(paused, { type: "note", line: noteLine() }, 2).note).toBeNull();
  expect(received(noted, { type: "ended", report: null }, 1).note).toBeNull();
  expect(received(noted, { type: "room", room: roomOf("practising") }, 1).note).toBe(noted.note);
});

function couple() {
  const notes = { painted: vi.fn(), drop: vi.fn() };
  const actions = { painted: vi.fn(), dismiss: vi.fn(), fade: vi.fn() };
  const draw = (state: SessionState, busy = false) =>
    act(() =>
      render(
        <CoupleScreen state={state} room={roomOf("practising")} me="a" actions={actions} notes={notes} busy={busy} clock={new SessionClock()} />,
        root,
      ),
    );
  return { notes, draw };
}
const shown = () => root.querySelector(".note .cue-text")?.textContent ?? null;
const readOut = () => [...root.querySelectorAll("[role=status].unseen:not([aria-live=assertive])")].map((each) => each.textContent).join("");

test("a note says whose it is, is read out politely, and goes by itself, by a tap or by Escape", async () => {
  const { notes, draw } = couple();
  await draw({ ...noted, note: { line: noteLine(), received_ms: performance.now() } });
  expect(root.querySelector(".note")?.textContent).toContain(words.from);
  expect(shown()).toBe("Slow down together");
  expect(readOut()).toContain("From your observer: Slow down together");
  await passes(9_000);
  expect(notes.drop).not.toHaveBeenCalled();
  dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  root.querySelector<HTMLElement>(".note button")?.click();
  expect(notes.drop).toHaveBeenCalledTimes(2);
  await passes(2_000);
  expect(notes.drop).toHaveBeenCalledTimes(3);
});

test("a note never lies over a cue or a dialog: it comes after, and not at all where that takes a minute", async () => {
  const { notes, draw } = couple();
  const note = { line: noteLine(), received_ms: performance.now() };
  const cue = { line: cueLine("c1", 4, 1_200), received_ms: 0 };
  await draw({ ...noted, note, cue });
  expect(shown()).toBeNull();
  expect(readOut()).not.toContain("Slow down");
  await passes(8_000);
  await draw({ ...noted, note }, true);
  expect(shown(), "a dialog is open").toBeNull();
  await draw({ ...noted, note });
  expect(shown()).toBe("Slow down together");
  await draw({ ...noted, note, cue });
  await passes(51_000);
  expect(notes.drop).not.toHaveBeenCalled();
  await passes(1_500);
  expect(notes.drop).toHaveBeenCalledExactlyOnceWith(note);
});

test("an observer's words are counted while they are typed, sent once they fit, and told to have been seen", async () => {
  const said: ToGateway[] = [];
  const state = new Observable<SessionState>({ ...practising, role: "observer" });
  const clock = new SessionClock();
  clock.set(60, true, performance.now());
  // The field only sends and reads; what a session does is tested with the real one.
  const session = { state, book: new LineBook(), clock, send: (message: ToGateway) => said.push(message) } as unknown as Session;
  const draw = (room: Room) => act(() => render(<NoteField session={session} room={room} />, root));
  await draw(roomOf("practising"));
  const input = root.querySelector("input") as HTMLInputElement;
  const button = () => root.querySelector("button") as HTMLButtonElement;
  const type = (text: string) =>
    act(() => {
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
  expect(button().disabled).toBe(true);
  await type("one two three four five");
  expect(root.textContent).toContain("5 of 4 words");
  expect(button().disabled).toBe(true);
  expect(root.textContent).not.toContain("characters");
  await type("a".repeat(35)); // letters are counted once they run short
  expect(root.textContent).toContain("1 of 4 words, 35 of 40 characters");
  await type("Slow  down together ");
  expect(button().disabled).toBe(false);
  await act(() => void root.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true })));
  expect(said).toEqual([{ type: "note", text: "Slow down together" }]);
  expect(input.value, "kept until it is shown").not.toBe("");

  await act(() => {
    session.book.add([noteLine()]);
    state.value = received(state.value, { type: "note", line: noteLine() }, 0);
  });
  const waiting = { ...roomOf("practising"), note_from_s: 120 };
  await draw(waiting);
  expect(input.value).toBe("");
  expect(root.textContent).toContain("on its way");
  await act(() => session.book.add([line("note_painted", 60, 60, { id: "p1", by: "a", note: "n1" })]));
  expect(root.textContent).toContain("One of them has seen");
  await act(() => session.book.add([line("note_painted", 60, 60, { id: "p2", by: "b", note: "n1" })]));
  expect(root.textContent).toContain("Both have seen “Slow down together”. The next can be sent at 2:00.");
  await type("And breathe");
  expect(button().disabled).toBe(true);
  await passes(61_000);
  expect(button().disabled).toBe(false);
  await act(() => {
    state.value = received(state.value, { type: "refused", code: "note_too_soon", message: "In 3 seconds.", way_out: "", fatal: false }, 0);
  });
  expect(root.textContent).toContain("In 3 seconds.");
});

test("the field is there only while both agree, are here, and talk", () => {
  const room = roomOf("practising");
  expect(mayNote(room)).toBe(true);
  expect(mayNote(roomOf("paused"))).toBe(false);
  for (const change of [{ observer: false }, { present: false }])
    expect(mayNote({ ...room, partners: { ...room.partners, b: { ...room.partners.b, ...change } } })).toBe(false);
});
