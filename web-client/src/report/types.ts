// The report as the gateway sends it (coach/report.py). Times are seconds of session time.
import type { Act, Partner } from "../protocol";

export interface Report {
  v: 1;
  session: string;
  began_unix: number | null;
  duration_s: number;
  names: Record<Partner, string>;
  scope: {
    consents: { by: Partner; practice: boolean; observer: boolean; at_s: number; words: boolean }[];
    audio_stored: false;
    quality: { by: Partner; heard_share: number; gaps_s: number; notes: string[] }[];
  };
  practised: {
    card: string | null;
    planned_s: number | null;
    done_s: number;
    anchor: string | null;
    answers: { by: Partner; act: Act }[];
    turns: {
      lasted_s: number;
      said_back: number;
      found_right: number;
      added_to: number;
      handed_over: number;
      broken_into: number;
    } | null; // null: they talked freely
    pauses: { asked: number; kept: number; time_outs: number; came_back: number };
    repairs: { offered: number; accepted: number };
  };
  strengths: { text: string; by: Partner | null; at_s: number | null }[];
  lanes: {
    by: Partner;
    speech: [number, number][];
    gaps: [number, number][];
    arousal: [t_s: number, level: number, confidence: number][];
    rises: [number, number][];
  }[];
  rail: RailMark[];
  moments: Moment[];
  cues: CueTold[];
  turn_taking: TurnTaking[];
  notes: NoteTold[];
  couple: { strengths: Record<Partner, string>; shared_moment: string; one_thing: string };
  limits: string[];
  spoken: Spoken | null; // null: not both agreed to words
}

export interface Spoken {
  quotes: Quote[];
  reaching: { words: string; by: Partner; at_s: number; text: string; answer: "asked" | "yes" | "no" }[];
  starts: { by: Partner; at_s: number; kind: "gentle" | "harsh"; because: string; text: string }[];
  language: string;
  summary_offered: boolean; // the practice runs a language model that may propose one
}

export interface Quote {
  by: Partner;
  start_s: number;
  end_s: number;
  text: string;
  confidence: number;
}

export interface RailMark {
  id: string;
  group: "overlap" | "cue" | "pause" | "floor" | "card" | "repair" | "note";
  kind: string;
  by: Partner | null;
  over: Partner | null;
  start_s: number;
  end_s: number;
  label: string;
  text: string | null;
  confidence: number;
}

/** What an observer said to both, and on whose screens it was. */
export interface NoteTold {
  at_s: number;
  text: string;
  shown_on: Partner[];
}

export interface CueTold {
  at_s: number;
  level: number;
  text: string;
  shown_on: Partner[];
  verdict: "followed" | "dismissed" | "ignored" | "unseen" | "unneeded" | null;
  signs: string[];
  went_quiet: Partner[];
  settled_s: number | null;
}

export interface Moment {
  title: string;
  start_s: number;
  end_s: number;
  trigger: string;
  rise: string | null;
  cue: string | null;
  recovery: string | null;
}

export interface TurnTaking {
  by: Partner;
  speaking_s: number;
  turns: number;
  share: number;
  share_low: number;
  share_high: number;
  started_over: number;
  started_over_low: number;
  started_over_high: number;
}
