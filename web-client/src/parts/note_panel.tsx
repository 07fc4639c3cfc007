// An observer's few words: as soft as a cue, without a sound, and never over one.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { ShownNote } from "../live/state";
import { note as words, practise } from "../words";
import { whenPainted } from "./painted";

const SHOWN_MS = 10_000; // four words from another person: a little longer than a cue, to look up and take in
const LEAVE_MS = 600; // how long it takes to fade out
const STALE_MS = 60_000; // later than this the talk has moved on, and the observer may send another

export interface NoteActions {
  painted: (note: ShownNote, atMs: number) => void;
  drop: (note: ShownNote) => void;
}

/**
 * `waits`: a cue or a dialog stands. A cue is for this very moment, and a dialog has somebody's hands on it, so the note
 * lets them go first and comes after, while it is still of the talk that it was meant for.
 */
export function NotePanel({ note, waits, actions }: { note: ShownNote; waits: boolean; actions: NoteActions }) {
  const left = note.received_ms + STALE_MS - performance.now();
  useEffect(() => {
    if (!waits) return;
    const stale = setTimeout(() => actions.drop(note), left);
    return () => clearTimeout(stale);
  }, [waits]);
  return waits || left <= 0 ? null : <Words note={note} actions={actions} />;
}

function Words({ note, actions }: { note: ShownNote; actions: NoteActions }) {
  const [leaving, setLeaving] = useState(false);
  useLayoutEffect(() => whenPainted((atMs) => actions.painted(note, atMs)), []);
  useEffect(() => {
    const leave = setTimeout(() => setLeaving(true), SHOWN_MS);
    const gone = setTimeout(() => actions.drop(note), SHOWN_MS + LEAVE_MS);
    const escape = (event: KeyboardEvent) => event.key === "Escape" && actions.drop(note);
    addEventListener("keydown", escape);
    return () => {
      clearTimeout(leave);
      clearTimeout(gone);
      removeEventListener("keydown", escape);
    };
  }, []);
  return (
    <div class={`cue note${leaving ? " leaving" : ""}`} onClick={() => actions.drop(note)} data-note={note.line.id}>
      <p class="note-from">{words.from}</p>
      <p class="cue-text">{note.line.text}</p>
      {/* its press rises to the panel, which takes every tap */}
      <button class="button quiet">{practise.close}</button>
    </div>
  );
}
