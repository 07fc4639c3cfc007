import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SessionClock } from "../src/live/clock";
import type { Practice } from "../src/live/practice";
import { type SessionState, unopened } from "../src/live/state";
import { DetailsDialog } from "../src/pages/details";
import { PausedScreen } from "../src/pages/paused";
import { CuePanel } from "../src/parts/cue_panel";
import { FloorPanel } from "../src/parts/floor_panel";
import { NoticeLine } from "../src/parts/notice_line";
import { RepairLine } from "../src/parts/repair_line";
import type { Room, TimeOut, ToGateway } from "../src/protocol";
import { details, floor, paused, repair } from "../src/words";
import { cueLine, roomOf } from "./samples";

let root: HTMLElement;
const said: ToGateway[] = [];
// The screens only ever send; what a session does with it is tested with the real one.
const practice = {
  session: { send: (message: ToGateway) => said.push(message), dropCue: vi.fn() },
  withdraw: vi.fn(),
} as unknown as Practice;
const out = (left_s: number): TimeOut => ({ minutes: 20, back_at: "8:40", left_s, task: "Cold water on your wrists." });

beforeEach(() => {
  root = document.createElement("div");
  document.body.append(root);
  said.length = 0;
  HTMLDialogElement.prototype.showModal ??= () => undefined;
});
afterEach(() => {
  void act(() => render(null, root));
  root.remove();
  vi.useRealTimers();
});

const draw = (room: Room, state: Partial<SessionState> = {}) =>
  act(() => render(<PausedScreen practice={practice} room={room} me="a" state={{ ...unopened, ...state }} />, root));
const button = (label: string) => [...root.querySelectorAll("button")].find((each) => each.textContent === label);

describe("a pause", () => {
  test("has no time, until somebody takes twenty minutes", async () => {
    vi.useFakeTimers({ now: new Date(2026, 0, 5, 20, 20) });
    await draw(roomOf("paused"));
    expect(root.querySelector("h1")?.textContent).toBe(paused.title);
    button(paused.timeOut)?.click();
    expect(said).toEqual([{ type: "time_out", minutes: 20, back_at: "8:40" }]);
  });

  test("with a return names it, one thing to do, and about how long; in minutes, never in seconds", async () => {
    vi.useFakeTimers({ now: new Date(2026, 0, 5, 20, 20) });
    await draw({ ...roomOf("paused"), time_out: out(1_200) });
    expect(root.querySelector("h1")?.textContent).toBe("Pause. Back at 8:40.");
    expect(root.textContent).toContain("Cold water on your wrists.");
    expect(root.textContent).toContain("About 20 minutes");
    const before = root.textContent;
    await act(() => void vi.advanceTimersByTime(20_000));
    expect(root.textContent).toBe(before);
    await act(() => void vi.advanceTimersByTime(10 * 60_000));
    expect(root.textContent).toContain("About 10 minutes");
    await act(() => void vi.advanceTimersByTime(10 * 60_000));
    expect(root.querySelector("h1")?.textContent).toBe(paused.over);
    button(paused.weAreBack)?.click();
    expect(said).toEqual([{ type: "resume" }]);
  });

  test("lets either come back early, and whoever needs longer stay", async () => {
    await draw({ ...roomOf("paused"), time_out: out(600) });
    expect(button(paused.weAreBack)).toBeDefined();
    expect(button(paused.longer)).toBeUndefined();
    await draw({ ...roomOf("paused"), time_out: out(-30) });
    button(paused.longer)?.click();
    expect(said.map((message) => message.type)).toEqual(["time_out"]);
  });

  test("is the cue of its time-out: the screen says that it was painted, once", async () => {
    const cue = { line: cueLine("c4", 4, 1_200), received_ms: performance.now() };
    await draw({ ...roomOf("paused"), time_out: out(1_200) }, { cue });
    await vi.waitFor(() => expect(said).toHaveLength(1));
    expect(said[0]).toMatchObject({ type: "painted", cue: "c4", received_ms: cue.received_ms });
  });
});

test("a time-out that the coach suggests is one tap away, and taking it is no dismissal", async () => {
  const actions = { painted: vi.fn(), dismiss: vi.fn(), fade: vi.fn(), timeOut: vi.fn() };
  await act(() => render(<CuePanel cue={{ line: cueLine("c4", 4, 1_200), received_ms: 0 }} clock={new SessionClock()} actions={actions} />, root));
  button(paused.timeOut)?.click();
  expect(actions.timeOut).toHaveBeenCalledOnce();
  expect(actions.dismiss).not.toHaveBeenCalled();
});

test("taking turns begins from the details, and each screen offers what is that partner's to do", async () => {
  const close = vi.fn();
  await act(() => render(<DetailsDialog practice={practice} room={roomOf("practising")} me="a" close={close} />, root));
  button(floor.take)?.click();
  expect(said).toEqual([{ type: "floor", act: "take" }]);
  expect(close).toHaveBeenCalledOnce();
  const pressed = vi.fn();
  await act(() => render(<FloorPanel side={{ prompt: "Is that it?", acts: ["yes", "add", "stop"] }} act={pressed} />, root));
  expect([...root.querySelectorAll("button")].map((each) => each.textContent)).toEqual([floor.yes, floor.add, floor.stop]);
  button(floor.yes)?.click();
  expect(pressed).toHaveBeenCalledExactlyOnceWith("yes");
});

test("prompts that have fallen silent can be asked for again, and only then", async () => {
  const open = (cues_silent: boolean) =>
    act(() => render(<DetailsDialog practice={practice} room={{ ...roomOf("practising"), cues_silent }} me="a" close={vi.fn()} />, root));
  await open(false);
  expect(root.textContent).not.toContain(details.silent);
  await open(true);
  button(details.ask)?.click();
  expect(said).toEqual([{ type: "cues_wanted" }]);
});

test("a sentence may be begun again: the one offers from the details, the other alone is asked", async () => {
  const close = vi.fn();
  await act(() => render(<DetailsDialog practice={practice} room={roomOf("practising")} me="a" close={close} />, root));
  button(repair.offer)?.click();
  expect(said).toEqual([{ type: "repair", act: "offer" }]);
  expect(close).toHaveBeenCalledOnce();
  const answer = vi.fn();
  const offered = { ...roomOf("practising"), repair: "a" } as const;
  await act(() => render(<NoticeLine state={unopened} room={offered} me="a" />, root));
  expect(root.textContent).toBe(repair.offered);
  await act(() => render(<NoticeLine state={unopened} room={offered} me="b" />, root));
  expect(root.textContent).toBe("");
  for (const me of ["a", "b"] as const) {
    await act(() => render(<NoticeLine key={me} state={unopened} room={offered} me={me} />, root));
    await act(() => render(<NoticeLine key={me} state={unopened} room={{ ...offered, repair: null, repairs: 1 }} me={me} />, root));
    expect(root.textContent, "the yes is told to both").toBe(repair.taken);
  }
  await act(() => render(<RepairLine say={answer} />, root));
  button(repair.yes)?.click();
  button(repair.later)?.click();
  expect(answer.mock.calls).toEqual([[{ type: "repair", act: "accept" }], [{ type: "repair", act: "later" }]]);
});
