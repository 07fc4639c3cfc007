import type { ComponentChildren } from "preact";
import { lanes as words } from "../words";
import { Glyph } from "./glyphs";
import { type Mark, PARTNERS, type Picture } from "./picture";

const KINDS = ["took_floor", "talk_over", "butted_in", "backchannel", "terminal_overlap", "dual_start"];

const MARKS: { group: Mark["group"]; kind: string; text: string | undefined }[] = [
  ...KINDS.map((kind) => ({ group: "overlap" as const, kind, text: words.kinds[kind] })),
  { group: "cue", kind: "cue", text: words.cue },
  { group: "floor", kind: "yes", text: words.floor },
  { group: "repair", kind: "repair", text: words.repair },
  { group: "note", kind: "note", text: words.note },
  { group: "card", kind: "start", text: words.card },
];

/** How to read the lanes, in words beside each shape: those of a whole `picture` alone, or all that may come. */
export function Legend({ picture }: { picture?: Picture }) {
  const marked = (group: Mark["group"], kind?: string) =>
    !picture || picture.rail.some((mark) => mark.group === group && (!kind || mark.kind === kind));
  const gaps = !picture || PARTNERS.some((by) => picture.lanes[by].gaps.length > 0);
  return (
    <ul class="legend">
      <Sign text={words.speech}>
        <rect class="speech" x="1" y="9" width="26" height="11" rx="4" />
      </Sign>
      <Sign text={words.ribbon}>
        <g class="ribbon">
          <path class="fill" d="M1 17 L8 12 L15 5 L21 9 L27 17 Z" />
          <path class="line" d="M1 17 L8 12 L15 5 L21 9 L27 17" />
        </g>
        <line class="usual" x1="0" x2="28" y1="17" y2="17" />
      </Sign>
      {gaps && (
        <Sign text={words.gap}>
          <rect class="gap" x="1" y="9" width="26" height="11" />
        </Sign>
      )}
      {MARKS.filter(({ group, kind }) => marked(group, group === "overlap" ? kind : undefined)).map(({ group, kind, text }) => (
        <Sign key={kind} text={text} box="-16 -16 32 32">
          <Glyph mark={{ group, kind, by: group === "cue" || kind === "dual_start" ? null : "a", over: "b" }} />
        </Sign>
      ))}
      {marked("pause") && (
        <Sign text={words.pause}>
          <rect class="pause" x="7" y="1" width="14" height="26" />
        </Sign>
      )}
    </ul>
  );
}

function Sign({ text, box = "0 0 28 28", children }: { text: string | undefined; box?: string; children: ComponentChildren }) {
  return (
    <li>
      <svg viewBox={box} width="28" height="28" aria-hidden="true" class="lane-a">
        {children}
      </svg>
      {text}
    </li>
  );
}
