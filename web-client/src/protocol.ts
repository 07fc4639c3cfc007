// The TypeScript twin of gateway/protocol.py and of the wire form: what gateway and pages say.

export const PROTOCOL_VERSION = 1;
export const MAX_NOTE_WORDS = 4;
export const MAX_NOTE_CHARS = 40;

export type Partner = "a" | "b";
export type Role = Partner | "observer" | "report";
export type Phase = "waiting" | "consent" | "practising" | "paused" | "ended";
export type MicrophoneState = "ok" | "unplugged" | "muted" | "silent";
export type MediaState = "none" | "connecting" | "connected" | "lost";

export interface PartnerView {
  present: boolean;
  name: string;
  practice: boolean;
  observer: boolean;
  words: boolean; // what they say may be written down
  carry: boolean; // what is learnt of the two may be kept for their next practice
  media: MediaState;
  microphone: MicrophoneState;
}

export interface IceServer {
  urls: string;
  username?: string;
  credential?: string;
}

export interface TimeOut {
  minutes: number;
  back_at: string;
  left_s: number; // below 0 once the time is over
  task: string;
}

export type FloorAct = "take" | "done" | "reflected" | "yes" | "add" | "stop";

/** What one partner's screen says while they take turns, and what it offers. */
export interface FloorSide {
  prompt: string;
  acts: FloorAct[];
}

/** A practice card as the library has it; in a room with the couple's own anchor. */
export interface Card {
  id: string;
  title: string;
  skill: string;
  steps: string[];
  turns: number;
  minutes: number;
  anchor: string;
  done_when: string;
  fallback: string;
  fallback_minutes: number;
  own: boolean; // in the couple's own words
}

export interface Room {
  phase: Phase;
  now_s: number;
  same_room: boolean;
  observers: number;
  observer_waiting: boolean;
  ice_servers: IceServer[];
  ice_good_s: number | null; // how long their credentials can be used; null: for ever
  partners: Record<Partner, PartnerView>;
  time_out: TimeOut | null;
  card: Card | null; // null: just talk
  floor: Record<Partner, FloorSide> | null; // null: the floor mode is off
  repair: Partner | null; // who offers to begin again, until the other has answered
  repairs: number; // such offers that were taken up
  neutral_s: number; // session time until which both are asked for easy talk; 0: not at all
  learnt: boolean; // something is kept of an earlier practice, or after the end of this one
  note_from_s: number; // session time from which an observer may send the next few words
  cues_silent: boolean;
  words_offered: boolean; // this gateway can write words down, if both want it
  words_behind: boolean; // they come late, or some not at all
  coaching_paused: boolean; // nobody analyses for a moment, and nobody's doing: it goes on by itself
}

/** One line of the timeline. Which fields stand beside the envelope depends on `kind`. */
export interface Line {
  v: 1;
  id: string;
  session: string;
  kind: string;
  status: "open" | "final";
  by?: Partner | null;
  over?: Partner;
  start_s: number;
  end_s: number;
  decided_s: number;
  confidence?: number;
  p_interruption?: number;
  level?: number;
  z?: number;
  recovery_s?: number;
  reason?: string;
  phase?: string; // floor
  back_at?: string; // time_out
  note?: string; // note_painted: the note’s id
  text?: string;
  ttl_s?: number;
  detector: string;
}

export interface CueLine extends Line {
  kind: "cue";
  level: number;
  text: string;
  ttl_s: number;
}

/** An observer's few words to both partners. */
export interface NoteLine extends Line {
  kind: "note";
  text: string;
}

export type ToGateway =
  | { type: "hello"; v: number; token: string; device: string; name: string }
  | { type: "consent"; practice: boolean; observer: boolean; words: boolean }
  | { type: "setup"; same_room?: boolean; name?: string }
  | { type: "offer"; sdp: string }
  | { type: "microphone"; state: "ok" | "unplugged" | "muted" }
  | { type: "ice" }
  | { type: "painted"; cue: string; received_ms: number; painted_ms: number }
  | { type: "dismiss"; cue: string }
  | { type: "pause" }
  | { type: "time_out"; minutes: number; back_at: string }
  | { type: "resume" }
  | { type: "floor"; act: FloorAct }
  | { type: "cues_wanted" }
  | { type: "repair"; act: "offer" | "accept" | "later" }
  | { type: "carry"; yes: boolean }
  | { type: "begin_now" }
  | { type: "note"; text: string }
  | { type: "end" }
  | { type: "ping"; t: number };

export interface Refusal {
  code: string;
  message: string;
  way_out: string;
}

export type FromGateway =
  | { type: "welcome"; v: number; role: Role; session: string; demo: boolean; room: Room; lines: Line[] }
  | { type: "room"; room: Room }
  | { type: "answer"; sdp: string }
  | { type: "cue"; line: CueLine }
  | { type: "note"; line: NoteLine }
  | { type: "lines"; lines: Line[] }
  | ({ type: "refused"; fatal: boolean } & Refusal)
  | { type: "ended"; report: string | null }
  | { type: "pong"; t: number; now_s: number };

/** What to practise: a card of the library and the habit that it is tied to, or one in the couple's own words. */
export type Choice = { card: string; anchor: string } | { own: OwnCard };

export interface OwnCard {
  skill: string;
  anchor: string;
  minutes: number;
}

export type Act = "finish" | "bend" | "defer" | "avoid";

export interface Links {
  a: string;
  b: string;
  observer: string;
  report: string;
}

/** The couple's next practice: all its links for who opened it, their own for who comes in. */
export interface Again {
  session: string;
  links: Partial<Links>;
}

export interface Invitation {
  session: string;
  links: Links;
}

export const OTHER: Record<Partner, Partner> = { a: "b", b: "a" };
