// The drawing that live view and report share: everything inside the lanes, in pixels from second 0.
import { memo } from "preact/compat";
import type { Partner } from "../protocol";
import { Glyph } from "./glyphs";
import { type Layout, tickStep } from "./layout";
import { type ArousalPoint, type Block, clock, type Mark, PARTNERS, type Picture, runs } from "./picture";

const RIBBON_GAP_S = 2.5; // a longer silence cuts the ribbon
const SURE = 0.4; // below this confidence the ribbon is drawn faint
const MIN_PX = 2;
const HALF_LABEL_PX = 18;
const EDGE_PX = 10; // half a mark: what happened at the very start is drawn whole

export interface DrawingProps {
  picture: Picture;
  layout: Layout;
  pxPerS: number;
  from: number;
  to: number;
  chosen?: string | null;
  onChoose?: (id: string) => void;
}

export const Drawing = memo(function Drawing(props: DrawingProps) {
  const { picture, layout } = props;
  return (
    <g>
      <Axis {...props} />
      {picture.rail.filter((mark) => mark.group === "pause").map((mark) => <Pause key={mark.id} mark={mark} {...props} />)}
      {PARTNERS.map((by) => (
        <LaneDrawing key={by} by={by} {...props} />
      ))}
      <line class="rail" x1={props.from * props.pxPerS} x2={props.to * props.pxPerS} y1={layout.rail} y2={layout.rail} />
      {picture.rail.filter((mark) => mark.group !== "pause").map((mark) => <RailMark key={mark.id} mark={mark} {...props} />)}
    </g>
  );
});

function Axis({ layout, pxPerS, from, to }: DrawingProps) {
  const step = tickStep(pxPerS);
  const ticks: number[] = [];
  const last = to - HALF_LABEL_PX / pxPerS; // a label is drawn whole or not at all
  for (let t = Math.ceil(Math.max(0, from) / step) * step; t <= last; t += step) ticks.push(t);
  return (
    <g class="axis">
      {ticks.map((t) => (
        <g key={t}>
          <line x1={t * pxPerS} x2={t * pxPerS} y1={8} y2={layout.axis - 16} />
          <text x={t * pxPerS} y={layout.axis} text-anchor={t === 0 ? "start" : "middle"}>
            {clock(t)}
          </text>
        </g>
      ))}
    </g>
  );
}

function LaneDrawing({ by, picture, layout, pxPerS, from, to }: DrawingProps & { by: Partner }) {
  const lane = picture.lanes[by];
  const top = layout.ribbon[by];
  const middle = top + layout.ribbonHeight / 2;
  const box = (block: Block, y: number, height: number, name: string) => (
    <rect
      key={`${name}${block.start}`}
      class={block.open ? `${name} open` : name}
      x={block.start * pxPerS}
      y={y}
      width={Math.max(MIN_PX, (block.end - block.start) * pxPerS)}
      height={height}
      rx={name === "speech" ? 4 : 0}
    />
  );
  return (
    <g class={`lane lane-${by}`}>
      {lane.rises.map((rise) => box(rise, top, layout.ribbonHeight, "rise"))}
      <line class="usual" x1={from * pxPerS} x2={to * pxPerS} y1={middle} y2={middle} />
      {runs(lane.arousal, RIBBON_GAP_S).map((run) => (
        <Ribbon key={run[0]?.t} run={run} pxPerS={pxPerS} middle={middle} half={layout.ribbonHeight / 2} />
      ))}
      {lane.gaps.map((gap) => box(gap, layout.speech[by], layout.speechHeight, "gap"))}
      {lane.speech.map((block) => box(block, layout.speech[by], layout.speechHeight, "speech"))}
    </g>
  );
}

function Ribbon({ run, pxPerS, middle, half }: { run: ArousalPoint[]; pxPerS: number; middle: number; half: number }) {
  const y = (level: number) => middle - (Math.min(1, Math.max(0, level)) - 0.5) * 2 * half;
  const first = run[0];
  const last = run[run.length - 1];
  if (!first || !last) return null;
  const at = (point: ArousalPoint) => `${(point.t * pxPerS).toFixed(1)} ${y(point.level).toFixed(1)}`;
  const line = `M${run.map(at).join(" L")}`;
  const mean = run.reduce((sum, point) => sum + point.confidence, 0) / run.length;
  return (
    <g class={mean < SURE ? "ribbon unsure" : "ribbon"}>
      <path class="fill" d={`${line} L${(last.t * pxPerS).toFixed(1)} ${middle} L${(first.t * pxPerS).toFixed(1)} ${middle} Z`} />
      <path class="line" d={run.length > 1 ? line : `${line} l3 0`} />
    </g>
  );
}

function Pause({ mark, layout, pxPerS }: DrawingProps & { mark: Mark }) {
  const width = Math.max(MIN_PX, (mark.end - mark.start) * pxPerS);
  const silence = mark.kind === "long_silence"; // on the rail alone; a pause goes through both lanes
  const y = silence ? layout.rail - layout.railHeight / 2 : 8;
  const height = silence ? layout.railHeight : layout.axis - 24;
  return (
    <rect class="pause" x={mark.start * pxPerS} y={y} width={width} height={height}>
      <title>{`${mark.label}, ${clock(mark.start)}`}</title>
    </rect>
  );
}

function RailMark({ mark, layout, pxPerS, chosen, onChoose }: DrawingProps & { mark: Mark }) {
  const width = (mark.end - mark.start) * pxPerS;
  const cue = mark.group === "cue";
  const y = cue || mark.group === "note" ? layout.cue : layout.rail;
  const x = Math.max(EDGE_PX, mark.start * pxPerS + (mark.kind === "talk_over" ? width / 2 : 0));
  const classes = `mark${mark.id === chosen ? " chosen" : ""}${onChoose ? " pressable" : ""}`;
  return (
    <g class={classes} transform={`translate(${x.toFixed(1)} ${y})`} onClick={onChoose && (() => onChoose(mark.id))}>
      <title>{`${mark.label}, ${clock(mark.start)}`}</title>
      {cue && width > 0 && (
        <rect class="lasting" width={width} y={layout.rail - layout.railHeight / 2 - y} height={layout.railHeight} />
      )}
      {cue && <line class="moment" y1={8 - y} y2={layout.axis - 16 - y} />}
      <circle r="16" class="touch" />
      <Glyph mark={mark} width={width} />
    </g>
  );
}
