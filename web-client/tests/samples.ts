// Small values of the wire for the tests.
import type { Card, CueLine, Line, Phase, Room } from "../src/protocol";
import type { Report } from "../src/report/types";

const envelope = { v: 1, session: "s", status: "final", detector: "turns@1" } as const;

export function line(kind: string, start_s: number, end_s: number, more: Partial<Line> = {}): Line {
  return { ...envelope, id: `${kind}${start_s}${more.by ?? ""}`, kind, start_s, end_s, decided_s: end_s, ...more };
}

export function cueLine(id: string, level = 1, ttl_s = 6): CueLine {
  return { ...line("cue", 60, 60), id, kind: "cue", level, text: "One at a time?", ttl_s };
}

export const card: Card = {
  id: "say-it-back",
  title: "Say it back, then answer",
  skill: "say back what you heard before answering",
  steps: ["One speaks for one minute.", "The other says it back."],
  turns: 4,
  minutes: 10,
  anchor: "after the dinner clean-up",
  done_when: "Each has said back two things.",
  fallback: "One minute each.",
  fallback_minutes: 3,
  own: false,
};

export function roomOf(phase: Phase): Room {
  const partner = { present: true, name: "", practice: true, observer: true, words: false, carry: false, media: "connected", microphone: "ok" } as const;
  return {
    phase,
    now_s: 0,
    same_room: false,
    observers: 0,
    observer_waiting: false,
    ice_servers: [],
    ice_good_s: null,
    partners: { a: partner, b: partner },
    time_out: null,
    card: null,
    floor: null,
    repair: null,
    repairs: 0,
    neutral_s: 0,
    note_from_s: 0,
    learnt: false,
    cues_silent: false,
    words_offered: false,
    words_behind: false,
    coaching_paused: false,
  };
}

export const report: Report = {
  v: 1,
  session: "s",
  began_unix: 1_770_000_000,
  duration_s: 120,
  names: { a: "Nora", b: "" },
  scope: {
    consents: [
      { by: "a", practice: true, observer: true, at_s: 0, words: false },
      { by: "b", practice: true, observer: false, at_s: 0, words: false },
      { by: "b", practice: false, observer: false, at_s: 110, words: false },
    ],
    audio_stored: false,
    quality: [{ by: "a", heard_share: 0.98, gaps_s: 2, notes: [] }],
  },
  practised: { card: null, planned_s: null, done_s: 120, anchor: null, answers: [], turns: null, pauses: { asked: 0, kept: 0, time_outs: 0, came_back: 0 }, repairs: { offered: 0, accepted: 0 } },
  cues: [],
  notes: [],
  strengths: [{ text: "You shared the speaking time about evenly.", by: null, at_s: null }],
  lanes: [
    { by: "a", speech: [[1, 4]], gaps: [[50, 52]], arousal: [[2, 0.5, 0.9], [2.5, 0.7, 0.9]], rises: [[30, 40]] },
    { by: "b", speech: [[5, 9]], gaps: [], arousal: [], rises: [] },
  ],
  rail: [
    { id: "o1", group: "overlap", kind: "took_floor", by: "b", over: "a", start_s: 31, end_s: 32, label: "The floor changed early", text: null, confidence: 0.9 },
    { id: "c1", group: "cue", kind: "level_1", by: null, over: null, start_s: 35, end_s: 41, label: "One at a time", text: "One at a time?", confidence: 1 },
  ],
  moments: [{ title: "One at a time, at 0:35", start_s: 25, end_s: 60, trigger: "Two voices met.", rise: null, cue: "It was shown.", recovery: null }],
  turn_taking: [
    { by: "a", speaking_s: 60, turns: 8, share: 0.58, share_low: 0.4, share_high: 0.7, started_over: 1, started_over_low: 0, started_over_high: 5 },
    { by: "b", speaking_s: 44, turns: 7, share: 0.42, share_low: 0.3, share_high: 0.6, started_over: 2, started_over_low: 0, started_over_high: 6 },
  ],
  couple: { strengths: { a: "Nora waited.", b: "They waited." }, shared_moment: "A pause.", one_thing: "Begin slowly." },
  limits: ["Not a diagnosis, not a risk assessment.", "It misses some."],
  spoken: null,
};
