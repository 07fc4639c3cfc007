// The cue: full width, soft, read out, gone by itself; a tap, a button or Escape sends it away.
import { useEffect, useState } from "preact/hooks";
import { keptChoices } from "../live/kept";
import type { ShownCue } from "../live/state";
import { paused, practise } from "../words";
import { whenPainted } from "./painted";
import { signal } from "./signals";

const IN_MS = 5_000; // one breath at 6 a minute: 5 s in, 5 s out
const BREATH_S = 10;
const LEAVE_MS = 600; // how long it takes to fade out
const BREATHE = 2; // the level with a pacer
const TIME_OUT = 4; // the level that offers one

export interface CueActions {
  painted: (cue: ShownCue, atMs: number) => void;
  dismiss: (cue: ShownCue) => void;
  fade: (cue: ShownCue) => void;
  timeOut?: () => void;
}

export function CuePanel({ cue, actions }: { cue: ShownCue; actions: CueActions }) {
  const { line } = cue;
  const breathe = line.level === BREATHE;
  const [leaving, setLeaving] = useState(false);
  useEffect(() => {
    const cancel = whenPainted((atMs) => actions.painted(cue, atMs));
    signal(keptChoices());
    const shown_s = breathe ? Math.max(line.ttl_s, BREATH_S) : line.ttl_s;
    const leave = setTimeout(() => setLeaving(true), shown_s * 1_000);
    const gone = setTimeout(() => actions.fade(cue), shown_s * 1_000 + LEAVE_MS);
    const escape = (event: KeyboardEvent) => event.key === "Escape" && actions.dismiss(cue);
    addEventListener("keydown", escape);
    return () => {
      cancel();
      clearTimeout(leave);
      clearTimeout(gone);
      removeEventListener("keydown", escape);
    };
  }, [line.id]);
  return (
    <div class={`cue level-${line.level}${leaving ? " leaving" : ""}`} onClick={() => actions.dismiss(cue)} data-cue={line.id}>
      {breathe && <Pacer />}
      <p class="cue-text">{line.text}</p>
      {line.level === TIME_OUT && actions.timeOut && (
        <button class="button main" onClick={pressed(actions.timeOut)}>
          {paused.timeOut}
        </button>
      )}
      {/* its press rises to the panel, which takes every tap */}
      <button class="button quiet">{practise.close}</button>
    </div>
  );
}

/** A press that does not rise to the panel, which would take it as a dismissal. */
const pressed = (act: () => void) => (event: Event) => {
  event.stopPropagation();
  act();
};

function Pacer() {
  const [out, setOut] = useState(false);
  useEffect(() => {
    const turn = setTimeout(() => setOut(true), IN_MS);
    return () => clearTimeout(turn);
  }, []);
  return (
    <div class="pacer">
      <div class="pacer-shape" />
      <p class="pacer-word">{out ? practise.out : practise.in}</p>
    </div>
  );
}
