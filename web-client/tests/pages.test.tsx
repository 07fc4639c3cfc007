import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backHere, timeOut } from "../src/live/return_time";
import { type CueActions, CuePanel } from "../src/parts/cue_panel";
import { MicrophoneLine } from "../src/parts/microphone_line";
import { CoupleScreen } from "../src/parts/couple";
import { unopened } from "../src/live/state";
import { SessionClock } from "../src/live/clock";
import type { MicrophoneState } from "../src/protocol";
import { RefusedScreen, wayOut } from "../src/parts/refused";
import { ReportView } from "../src/report/view";
import { refusalTitles } from "../src/refusal_titles";
import { report as reportWords } from "../src/report/words";
import * as words from "../src/words";
import { cueLine, report, roomOf } from "./samples";

let root: HTMLElement;

beforeEach(() => {
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  void act(() => render(null, root));
  root.remove();
  vi.useRealTimers();
});

const draw = (node: Parameters<typeof render>[0]) => act(() => render(node, root));

function actions() {
  return {
    painted: vi.fn<CueActions["painted"]>(),
    dismiss: vi.fn<CueActions["dismiss"]>(),
    fade: vi.fn<CueActions["fade"]>(),
  };
}

describe("a microphone that gives nothing", () => {
  const room = (a: MicrophoneState) => {
    const { partners, ...rest } = roomOf("practising");
    return { ...rest, partners: { ...partners, a: { ...partners.a, microphone: a } } };
  };

  test.each(["unplugged", "muted", "silent"] as const)("%s: both read one sentence, and whose it is has a way out", async (state) => {
    const again = vi.fn();
    await draw(<MicrophoneLine room={room(state)} me="a" again={again} />);
    expect(root.textContent).toContain(words.microphone.told[state].mine);
    root.querySelector("button")?.click();
    expect(again).toHaveBeenCalledOnce();
    await draw(<MicrophoneLine room={room(state)} me="b" again={again} />);
    expect(root.textContent).toBe(words.microphone.told[state].theirs);
  });

  test("nothing is said while all is well", async () => {
    await draw(<MicrophoneLine room={room("ok")} me="a" again={() => undefined} />);
    expect(root.textContent).toBe("");
  });
});

describe("coaching that is paused by nobody's doing", () => {
  test("is told in one calm line, and the sign no longer says that somebody listens", async () => {
    const session = new SessionClock();
    const screen = (coaching_paused: boolean) => (
      <CoupleScreen
        state={{ ...unopened, link: "open" }}
        room={{ ...roomOf("practising"), coaching_paused }}
        me="a"
        actions={actions()}
        clock={session}
      />
    );
    await draw(screen(true));
    expect(root.querySelector("[role=status]")?.textContent).toBe(words.practise.coachingPaused);
    expect(root.querySelector(".dot.on")).toBeNull();
    expect(root.textContent).not.toContain(words.practise.listening);
    await draw(screen(false));
    expect(root.textContent).not.toContain(words.practise.coachingPaused);
    expect(root.textContent).toContain(words.practise.listening);
  });
});

describe("a cue", () => {
  test("is acknowledged with the time of a frame after it was put into the page, once", async () => {
    const heard = actions();
    const cue = { line: cueLine("c1"), received_ms: performance.now() };
    await draw(<CuePanel cue={cue} clock={new SessionClock()} actions={heard} />);
    expect(root.textContent).toContain("One at a time?");
    await vi.waitFor(() => expect(heard.painted).toHaveBeenCalledOnce());
    expect(heard.painted.mock.calls[0]?.[1]).toBeGreaterThanOrEqual(cue.received_ms);
  });

  test.each(["Escape", "tap", "button"])("goes away by %s, and says so once", async (way) => {
    const heard = actions();
    await draw(<CuePanel cue={{ line: cueLine("c1"), received_ms: 0 }} clock={new SessionClock()} actions={heard} />);
    if (way === "Escape") dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    else root.querySelector<HTMLElement>(way === "tap" ? ".cue" : ".cue button")?.click();
    expect(heard.dismiss).toHaveBeenCalledOnce();
  });

  test("fades after its time; a breath is always breathed out", async () => {
    vi.useFakeTimers();
    const short = actions();
    await draw(<CuePanel key="1" cue={{ line: cueLine("c1", 1, 6), received_ms: 0 }} clock={new SessionClock()} actions={short} />);
    await act(() => void vi.advanceTimersByTime(6_000));
    expect(root.querySelector(".leaving")).not.toBeNull();
    vi.advanceTimersByTime(600);
    expect(short.fade).toHaveBeenCalledOnce();
    const breath = actions();
    await draw(<CuePanel key="2" cue={{ line: cueLine("c2", 2, 6), received_ms: 0 }} clock={new SessionClock()} actions={breath} />);
    expect(root.textContent).toContain("Breathe in");
    await act(() => void vi.advanceTimersByTime(5_000));
    expect(root.textContent).toContain("Breathe out");
    vi.advanceTimersByTime(4_900);
    expect(breath.fade).not.toHaveBeenCalled();
    vi.advanceTimersByTime(700);
    expect(breath.fade).toHaveBeenCalledOnce();
  });
});

describe("screens", () => {
  test.each([...Object.keys(refusalTitles), "a_code_of_tomorrow"])("the refusal %s has one clear next step", async (code) => {
    await draw(<RefusedScreen refusal={{ code, message: "The reason.", way_out: "The way." }} token="t" />);
    expect(root.querySelectorAll("main h1")).toHaveLength(1);
    expect(root.querySelectorAll("main .button.main")).toHaveLength(1);
    expect(root.textContent).toContain("The reason.");
    expect(root.textContent).toContain("The way.");
  });

  test("a reason that only says the heading again is left out", async () => {
    await draw(<RefusedScreen refusal={{ code: "session_ended", message: "This practice has ended.", way_out: "Open the report." }} token="t" />);
    expect(root.textContent?.split("This practice has ended")).toHaveLength(2);
  });

  test("a practice that has ended leads to its report", () => {
    expect(wayOut("session_ended", "tok").href).toBe("/report#tok");
  });

  test("a pause lasts at least twenty minutes and names a round time", () => {
    expect(timeOut(new Date(2026, 0, 5, 20, 17, 20))).toEqual({ minutes: 23, back_at: "8:40" });
    expect(timeOut(new Date(2026, 0, 5, 20, 20))).toEqual({ minutes: 20, back_at: "8:40" });
    expect(timeOut(new Date(2026, 0, 5, 23, 41)).back_at).toBe("12:05");
  });

  test("both devices name the same return, however late they hear of it", () => {
    for (const [hour, minute, second] of [[20, 17, 20], [20, 20, 0], [23, 58, 59]] as const) {
      const taken = new Date(2026, 0, 5, hour, minute, second);
      const out = timeOut(taken);
      for (const late_s of [0, 3, 700, 2_000])
        expect(backHere(out.minutes * 60 - late_s, new Date(taken.getTime() + late_s * 1_000))).toBe(out.back_at);
    }
  });

  test("the report keeps the therapists' order and says once what it is not", async () => {
    await draw(<ReportView report={report} token="t" own={false} />);
    const headings = [...root.querySelectorAll("h2")].map((heading) => heading.textContent);
    const { scope, practised, strengths, picture, moments, turns, couple, limits } = reportWords;
    expect(headings).toEqual([scope, practised, strengths, picture, moments, turns, couple, limits]);
    expect(root.textContent?.split(words.NOT_A_DIAGNOSIS)).toHaveLength(2);
    expect(root.textContent).toContain("took back the yes (1:50)");
  });

  test("a partner's report begins with what is for the two, and stays whole", async () => {
    await draw(<ReportView report={report} token="t" own />);
    const headings = [...root.querySelectorAll("h2")].map((heading) => heading.textContent);
    const { scope, practised, strengthsToo, picture, moments, turns, couple, limits } = reportWords;
    expect(headings).toEqual([couple, strengthsToo, picture, moments, turns, scope, practised, limits]);
  });

  test("the report explains the signs that stand in its picture, and no others", async () => {
    await draw(<ReportView report={report} token="t" own={false} />);
    const told = [...root.querySelectorAll(".legend li")].map((each) => each.textContent);
    const { lanes } = words;
    expect(told).toEqual([lanes.speech, lanes.ribbon, lanes.gap, lanes.kinds.took_floor, lanes.cue]);
  });

  test("a partner who was hardly heard reads that before the rest", async () => {
    const quality = [{ by: "a" as const, heard_share: 0.5, gaps_s: 60, notes: [] }];
    await draw(<ReportView report={{ ...report, scope: { ...report.scope, quality } }} token="t" own />);
    const headings = [...root.querySelectorAll("h2")].map((heading) => heading.textContent);
    expect(headings.slice(0, 2)).toEqual([reportWords.couple, reportWords.scope]);
    expect(headings.filter((heading) => heading === reportWords.scope)).toHaveLength(1);
  });

  test.each([true, false])("nothing that went well is told twice, on a partner’s own page (%s) or on the other", async (own) => {
    const { couple } = report;
    const strengths = [couple.strengths.a, couple.strengths.b, couple.shared_moment].map((text) => ({ text, by: null, at_s: null }));
    await draw(<ReportView report={{ ...report, strengths }} token="t" own={own} />);
    for (const { text } of strengths) expect(root.textContent?.split(text)).toHaveLength(2);
    expect(root.textContent).toContain(couple.one_thing);
  });

  test("a partner’s own page tells of a cue where its moment is told, and of the others in a list", async () => {
    const cue = { level: 1, text: "One at a time?", shown_on: [], verdict: "followed", signs: [], went_quiet: [], settled_s: null } as const;
    const cues = [35, 99].map((at_s) => ({ ...cue, at_s, shown_on: [], signs: [], went_quiet: [] }));
    const listed = () => [...root.querySelectorAll(".cue-list time")].map((time) => time.textContent);
    await draw(<ReportView report={{ ...report, cues }} token="t" own />);
    expect(listed()).toEqual(["1:39"]);
    await draw(<ReportView report={{ ...report, cues }} token="t" own={false} />);
    expect(listed()).toEqual(["0:35", "1:39"]);
  });

  test("no word of ours blames, scores or names an emotion", () => {
    const all = JSON.stringify(words).toLowerCase();
    for (const word of ["angry", "anger", "fault", "blame", "score", "aggress", "interrupted", "rude"])
      expect(all.replace("no names, no score", "")).not.toContain(word);
  });
});
