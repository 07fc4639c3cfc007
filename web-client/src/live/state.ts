// What a page knows of its session: a pure function of the gateway's messages.
import type { CueLine, FromGateway, Refusal, Role, Room } from "../protocol";

export interface ShownCue {
  line: CueLine;
  received_ms: number;
}

export interface SessionState {
  link: "connecting" | "open" | "lost" | "closed";
  role: Role | null;
  demo: boolean;
  room: Room | null;
  cue: ShownCue | null;
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
      return { ...state, room: message.room, notice: null, cue: practising(message.room) && practising(state.room) ? state.cue : null };
    case "cue":
      return state.cue?.line.id === message.line.id
        ? state
        : { ...state, cue: { line: message.line, received_ms: atMs } };
    case "refused": {
      const refusal = { code: message.code, message: message.message, way_out: message.way_out };
      return message.fatal ? { ...state, refusal, link: "closed", cue: null } : { ...state, notice: refusal };
    }
    case "ended":
      return { ...state, ended: { report: message.report }, cue: null };
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
