// The cue: full width, soft, read out, gone by itself; a tap, a button or Escape sends it away.
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import type { SessionClock } from "../live/clock";
import { keptChoices } from "../live/kept";
import type { ShownCue } from "../live/state";
import { paused, practise } from "../words";
import { Pacer, BREATH_S, untilBreath } from "./pacer";
import { whenPainted } from "./painted";
import { signal } from "./signals";

const LEAVE_MS = 600; // how long it takes to fade out
const BREATHE = 2; // the level with a pacer
const TIME_OUT = 4; // the level that offers one

export interface CueActions {
  painted: (cue: ShownCue, atMs: number) => void;
  dismiss: (cue: ShownCue) => void;
  fade: (cue: ShownCue) => void;
  timeOut?: () => void;
}

export function CuePanel({ cue, clock, actions }: { cue: ShownCue; clock: SessionClock; actions: CueActions }) {
  const { line } = cue;
  const breathe = line.level === BREATHE;
  const untilS = useMemo(() => untilBreath(line.start_s, clock.now(performance.now())), [line.id]);
  const [leaving, setLeaving] = useState(false);
  useLayoutEffect(() => whenPainted((atMs) => actions.painted(cue, atMs)), [line.id]);
  useEffect(() => {
    signal(keptChoices());
    const shown_s = breathe ? untilS + BREATH_S : line.ttl_s;
    const leave = setTimeout(() => setLeaving(true), shown_s * 1_000);
    const gone = setTimeout(() => actions.fade(cue), shown_s * 1_000 + LEAVE_MS);
    const escape = (event: KeyboardEvent) => event.key === "Escape" && actions.dismiss(cue);
    addEventListener("keydown", escape);
    return () => {
      clearTimeout(leave);
      clearTimeout(gone);
      removeEventListener("keydown", escape);
    };
  }, [line.id]);
  return (
    <div class={`cue level-${line.level}${leaving ? " leaving" : ""}`} onClick={() => actions.dismiss(cue)} data-cue={line.id}>
      {breathe && <Pacer untilS={untilS} />}
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
