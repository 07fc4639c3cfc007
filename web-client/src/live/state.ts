// What a page knows of its session: a pure function of the gateway's messages.
import type { CueLine, FromGateway, NoteLine, Refusal, Role, Room } from "../protocol";

export interface ShownCue {
  line: CueLine;
  received_ms: number;
}

export interface ShownNote {
  line: NoteLine;
  received_ms: number;
}

export interface SessionState {
  link: "connecting" | "open" | "lost" | "closed";
  role: Role | null;
  demo: boolean;
  room: Room | null;
  cue: ShownCue | null;
  note: ShownNote | null; // an observer’s words; they wait while a cue stands
  refusal: Refusal | null; // fatal: the page shows nothing else
  notice: Refusal | null; // passing: one quiet line
  ended: { report: string | null } | null;
}

export const unopened: SessionState = {
  link: "connecting",
  role: null,
  demo: false,
  room: null,
  cue: null,
  note: null,
  refusal: null,
  notice: null,
  ended: null,
};

export function received(state: SessionState, message: FromGateway, atMs: number): SessionState {
  switch (message.type) {
    case "welcome":
      return { ...state, link: "open", role: message.role, demo: message.demo, room: message.room, notice: null };
    case "room":
      // What was said in a pause is not said again after it.
      return { ...state, room: message.room, notice: null, ...(practising(message.room) && practising(state.room) ? {} : { cue: null, note: null }) };
    case "cue":
      return state.cue?.line.id === message.line.id
        ? state
        : { ...state, cue: { line: message.line, received_ms: atMs } };
    case "note":
      return state.note?.line.id === message.line.id || !practising(state.room)
        ? state
        : { ...state, note: { line: message.line, received_ms: atMs } };
    case "refused": {
      const refusal = { code: message.code, message: message.message, way_out: message.way_out };
      return message.fatal ? { ...state, refusal, link: "closed", cue: null, note: null } : { ...state, notice: refusal };
    }
    case "ended":
      return { ...state, ended: { report: message.report }, cue: null, note: null };
    case "answer":
    case "lines":
    case "pong":
      return state;
  }
}

const practising = (room: Room | null): boolean => room?.phase === "practising";

/** The cue has been dismissed or has faded; a later one may already stand in its place. */
export function withoutCue(state: SessionState, id: string): SessionState {
  return state.cue?.line.id === id ? { ...state, cue: null } : state;
}

/** The note was read, sent away or is too old. */
export function withoutNote(state: SessionState, id: string): SessionState {
  return state.note?.line.id === id ? { ...state, note: null } : state;
}
