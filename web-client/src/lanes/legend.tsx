import { lanes as words } from "../words";
import { Glyph } from "./glyphs";
import type { Mark } from "./picture";

const KINDS = ["took_floor", "talk_over", "butted_in", "backchannel", "terminal_overlap", "dual_start"];

/** How to read the lanes, in words beside each shape. */
export function Legend() {
  const glyph = (group: Mark["group"], kind: string) => (
    <svg viewBox="-16 -16 32 32" width="28" height="28" aria-hidden="true">
      <Glyph mark={{ group, kind, by: group === "cue" || kind === "dual_start" ? null : "a", over: "b" }} />
    </svg>
  );
  return (
    <ul class="legend">
      <li>
        <svg viewBox="0 0 28 28" width="28" height="28" aria-hidden="true" class="lane lane-a">
          <rect class="speech" x="1" y="9" width="26" height="11" rx="4" />
        </svg>
        {words.speech}
      </li>
      <li>
        <svg viewBox="0 0 28 28" width="28" height="28" aria-hidden="true" class="lane lane-a">
          <g class="ribbon">
            <path class="fill" d="M1 17 L8 12 L15 5 L21 9 L27 17 Z" />
            <path class="line" d="M1 17 L8 12 L15 5 L21 9 L27 17" />
          </g>
          <line class="usual" x1="0" x2="28" y1="17" y2="17" />
        </svg>
        {words.ribbon}
      </li>
      <li>
        <svg viewBox="0 0 28 28" width="28" height="28" aria-hidden="true">
          <rect class="gap" x="1" y="9" width="26" height="11" />
        </svg>
        {words.gap}
      </li>
      {KINDS.map((kind) => (
        <li key={kind}>
          {glyph("overlap", kind)}
          {words.kinds[kind]}
        </li>
      ))}
      <li>
        {glyph("cue", "cue")}
        {words.cue}
      </li>
      <li>
        {glyph("floor", "yes")}
        {words.floor}
      </li>
      <li>
        {glyph("repair", "repair")}
        {words.repair}
      </li>
      <li>
        {glyph("note", "note")}
        {words.note}
      </li>
      <li>
        {glyph("card", "start")}
        {words.card}
      </li>
      <li>
        <svg viewBox="0 0 28 28" width="28" height="28" aria-hidden="true">
          <rect class="pause" x="7" y="1" width="14" height="26" />
        </svg>
        {words.pause}
      </li>
    </ul>
  );
}
