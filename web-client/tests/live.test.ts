import { beforeEach, describe, expect, test, vi } from "vitest";
import { waitMs } from "../src/live/backoff";
import { SessionClock } from "../src/live/clock";
import { untilBreath } from "../src/parts/pacer";
import { Connection } from "../src/live/connection";
import { deviceSecret, keepInvitation, keptInvitation } from "../src/live/kept";
import { constraints, faultOf } from "../src/live/microphone";
import { received, unopened, withoutCue } from "../src/live/state";
import { cueLine, roomOf } from "./samples";

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

describe("coming back", () => {
  test("the first attempt comes after 0.3 s, and none waits longer than 1 s", () => {
    expect(waitMs(0, () => 0)).toBe(300);
    expect([1, 2, 3, 4, 20].map((n) => waitMs(n, () => 0))).toEqual([600, 1000, 1000, 1000, 1000]);
  });

  test("two partners who lost the gateway at once do not return in step", () => {
    expect(waitMs(3, () => 0)).not.toBe(waitMs(3, () => 1));
  });

  test("a link keeps its device secret over reloads, and no two links share one", () => {
    const first = deviceSecret("token-one");
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(deviceSecret("token-one")).toBe(first);
    expect(deviceSecret("token-two")).not.toBe(first);
  });

  test("an invitation outlives a reload until it is forgotten", () => {
    const invitation = { session: "s", links: { a: "1", b: "2", observer: "3", report: "4" } };
    keepInvitation(invitation);
    expect(keptInvitation()).toEqual(invitation);
    keepInvitation(null);
    expect(keptInvitation()).toBeNull();
  });

  test("a lost socket is opened again and says hello with the same secret", () => {
    vi.useFakeTimers();
    const opened: FakeSocket[] = [];
    // The browser's socket is replaced: what is tested is when we open it, and what we say first.
    class FakeSocket {
      static readonly OPEN = 1;
      readyState = 1;
      sent: { type: string; device?: string }[] = [];
      onopen: () => void = () => undefined;
      onclose: () => void = () => undefined;
      constructor() {
        opened.push(this);
      }
      send(text: string): void {
        this.sent.push(JSON.parse(text));
      }
      close(): void {
        this.readyState = 3;
      }
    }
    vi.stubGlobal("WebSocket", FakeSocket);
    let lost = 0;
    const connection = new Connection("token-one", { message: () => undefined, lost: () => (lost += 1) });
    connection.open();
    opened[0]?.onopen();
    opened[0]?.onclose();
    expect(lost).toBe(1);
    vi.advanceTimersByTime(400);
    opened[1]?.onopen();
    expect(opened[1]?.sent[0]).toMatchObject({ type: "hello", device: opened[0]?.sent[0]?.device });
    dispatchEvent(new Event("online")); // another network: the old socket may hang for minutes
    expect(opened).toHaveLength(3);
    vi.advanceTimersByTime(6_000); // nobody answers: a try that hangs is given up
    expect(opened).toHaveLength(4);
    connection.close();
    opened[3]?.onclose();
    dispatchEvent(new Event("online"));
    vi.advanceTimersByTime(10_000);
    expect(opened).toHaveLength(4);
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
});

describe("session time", () => {
  test("runs on between the gateway's statements, and small differences do not jerk it", () => {
    const clock = new SessionClock();
    clock.set(10, true, 1_000);
    expect(clock.now(3_000)).toBeCloseTo(12);
    clock.set(12.5, true, 3_000);
    expect(clock.now(3_000)).toBeGreaterThan(12);
    expect(clock.now(3_000)).toBeLessThan(12.2);
  });

  test("jumps where the gateway was away, and stands still where it does not run", () => {
    const clock = new SessionClock();
    clock.set(10, true, 0);
    clock.set(40, true, 1_000);
    expect(clock.now(1_000)).toBe(40);
    clock.set(41, false, 2_000);
    expect(clock.now(60_000)).toBe(41);
  });
});

describe("session time over a network", () => {
  test("an answer is right to within half of its round trip, and the quickest one counts", () => {
    const clock = new SessionClock();
    clock.set(5, true, 900); // on the way for an unknown time
    clock.answered(10, true, 1_000, 1_200);
    expect(clock.now(1_200)).toBeCloseTo(10.1);
    clock.answered(11.5, true, 2_000, 2_900); // slow: a lost packet, a busy moment
    expect(clock.now(2_900)).toBeCloseTo(11.8);
    clock.answered(12.02, true, 3_000, 3_040);
    expect(clock.now(3_040)).toBeCloseTo(12.04);
  });

  test("what comes unasked moves it only where it jumps", () => {
    const clock = new SessionClock();
    clock.answered(10, true, 0, 100);
    clock.set(10.9, true, 1_000);
    expect(clock.now(1_000)).toBeCloseTo(10.95);
    clock.set(60, true, 2_000);
    expect(clock.now(2_000)).toBeCloseTo(60.05);
  });

  test("a breath begins at the same session time for both, and a late page comes in where it is by then", () => {
    expect(untilBreath(50, 50.3)).toBeCloseTo(0.9);
    expect(untilBreath(50, 53.2)).toBeCloseTo(-2);
    expect(untilBreath(50, 49)).toBeCloseTo(2.2);
    expect(untilBreath(50, 0)).toBe(0);
    expect(untilBreath(50, 90)).toBe(0);
  });
});

describe("the microphone", () => {
  test("keeps its loudness, and cancels echo only for partners who are apart", () => {
    expect(constraints(true).audio).toMatchObject({ autoGainControl: false, echoCancellation: false, channelCount: 1 });
    expect(constraints(false).audio).toMatchObject({ autoGainControl: false, echoCancellation: true });
  });

  test("every fault of the browser has a kind that the page has words for", () => {
    const named = (name: string) => faultOf(new DOMException("", name));
    expect(named("NotAllowedError")).toBe("refused");
    expect(named("NotFoundError")).toBe("missing");
    expect(named("NotReadableError")).toBe("busy");
  });
});

describe("what a page knows", () => {
  const welcome = { type: "welcome", v: 1, role: "a", session: "s", demo: false } as const;

  test("a cue that is delivered twice is shown once, with the time of its first arrival", () => {
    const first = received(unopened, { type: "cue", line: cueLine("c1") }, 5);
    expect(received(first, { type: "cue", line: cueLine("c1") }, 9).cue?.received_ms).toBe(5);
  });

  test("a cue that fades late does not take the next one with it", () => {
    const shown = received(unopened, { type: "cue", line: cueLine("c2") }, 5);
    expect(withoutCue(shown, "c1").cue).not.toBeNull();
    expect(withoutCue(shown, "c2").cue).toBeNull();
  });

  test("a pause takes the cue away", () => {
    const talking = received(unopened, { type: "room", room: roomOf("practising") }, 4);
    const shown = received(talking, { type: "cue", line: cueLine("c1") }, 5);
    expect(received(shown, { type: "room", room: roomOf("practising") }, 6).cue).not.toBeNull();
    expect(received(shown, { type: "room", room: roomOf("paused") }, 6).cue).toBeNull();
    const rested = received(shown, { type: "room", room: roomOf("paused") }, 6);
    const asked = received(rested, { type: "cue", line: cueLine("c9", 4) }, 7);
    expect(received(asked, { type: "room", room: roomOf("practising") }, 8).cue).toBeNull();
  });

  test("a fatal refusal closes the page, a passing one is gone with the next news", () => {
    const open = received(unopened, { ...welcome, lines: [], room: roomOf("consent") }, 0);
    const refusal = { type: "refused", code: "not_now", message: "m", way_out: "w" } as const;
    const passing = received(open, { ...refusal, fatal: false }, 1);
    expect(passing.notice?.code).toBe("not_now");
    expect(received(passing, { type: "room", room: roomOf("practising") }, 2).notice).toBeNull();
    expect(received(open, { ...refusal, fatal: true }, 1)).toMatchObject({ link: "closed", refusal: { way_out: "w" } });
  });
});
