// The marks on the rail: each kind has its own shape, and colour only repeats what shape says.
import type { JSX } from "preact";
import type { Mark } from "./picture";

const R = 9;

/** Drawn around 0,0. A triangle points at the partner whose turn it was. */
export function Glyph({ mark, width = 0 }: { mark: Pick<Mark, "group" | "kind" | "by" | "over">; width?: number }) {
  if (mark.group === "cue") return <BreathMark />;
  if (mark.group === "floor") return <HandOver />;
  if (mark.group === "card") return <CardMark />;
  if (mark.group === "repair") return <Stitch />;
  if (mark.group === "note") return <Said />;
  const hue = mark.by ? `by-${mark.by}` : "by-none";
  return <g class={`glyph ${hue}`}>{shape(mark.kind, mark.over === "a" || mark.by === "b", width)}</g>;
}

function shape(kind: string, up: boolean, width: number): JSX.Element {
  const tip = up ? -R : R;
  const triangle = `M0 ${tip} L${R} ${-tip * 0.8} L${-R} ${-tip * 0.8} Z`;
  switch (kind) {
    case "took_floor":
      return <path d={triangle} class="solid" />;
    case "butted_in":
      return <path d={triangle} class="hollow" />;
    case "talk_over": {
      const half = Math.max(R, width / 2);
      return <rect x={-half} y={-R * 0.8} width={2 * half} height={R * 1.6} rx="2" class="solid" />;
    }
    case "backchannel":
      return <circle r="4" class="solid quiet" />;
    case "terminal_overlap":
      return <circle r="5.5" class="hollow" />;
    case "dual_start":
      return <path d={`M0 ${-R} L${R} 0 L0 ${R} L${-R} 0 Z`} class="hollow" />;
    default:
      return <rect x={-R * 0.8} y={-R * 0.8} width={R * 1.6} height={R * 1.6} rx="3" class="hollow dashed" />;
  }
}

/** Two arrows: the floor, and where it goes. */
function HandOver() {
  return (
    <g class="glyph act-glyph">
      <path d="M-4 7V-7m0 0l-3 4m3-4l3 4M4 -7V7m0 0l3-4m-3 4l-3-4" class="stroke" />
    </g>
  );
}

function CardMark() {
  return (
    <g class="glyph act-glyph">
      <path d="M-7 -5h14v10h-14z M-4 -1h8 M-4 2h5" class="stroke" />
    </g>
  );
}

/** Two loops that hold together: something was mended, or said back. */
function Stitch() {
  return (
    <g class="glyph act-glyph">
      <path d="M-2 0a4.500 4.500 0 1 1 -4.500 -4.500C-2 -4.500 2 4.500 6.500 4.500A4.500 4.500 0 1 0 2 0" class="stroke" />
    </g>
  );
}

/** What is said by somebody who is not in the lanes. */
function Said() {
  return (
    <g class="glyph act-glyph">
      <path d="M-8 -7h16v10h-9l-4 4v-4h-3z" class="stroke" />
    </g>
  );
}

/** The comma above the staff by which musicians know where to breathe. */
function BreathMark() {
  return (
    <g class="glyph cue-glyph">
      <path d="M0 -11a6.500 6.500 0 1 0 1.800 12.700C1 6 -1.600 9 -5.200 11l1.500 2.400C3 10.500 7 5 7 -3.200 7 -8 4 -11 0 -11z" class="solid" />
    </g>
  );
}
