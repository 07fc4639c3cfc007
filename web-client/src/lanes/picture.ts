// What the lanes show, whether it comes from live lines or from a report. Times are seconds.
import type { Partner } from "../protocol";

export interface Block {
  start: number;
  end: number;
  open: boolean; // still going on
}

export interface ArousalPoint {
  t: number;
  level: number; // 0 to 1; 0.5 is this person's own usual
  confidence: number;
}

export interface Lane {
  speech: Block[];
  gaps: Block[];
  arousal: ArousalPoint[];
  rises: Block[];
}

export interface Mark {
  id: string;
  group: "overlap" | "cue" | "pause" | "floor" | "card" | "repair" | "note";
  kind: string;
  by: Partner | null;
  over: Partner | null;
  start: number;
  end: number;
  label: string;
  text: string | null;
}

export interface Picture {
  names: Record<Partner, string>;
  lanes: Record<Partner, Lane>;
  rail: Mark[];
}

export const PARTNERS: Partner[] = ["a", "b"];

export const emptyLane = (): Lane => ({ speech: [], gaps: [], arousal: [], rises: [] });

/** 83.4 -> "1:23". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Runs of points with no pause above `gapS` inside: the ribbon is drawn in these. */
export function runs(points: ArousalPoint[], gapS: number): ArousalPoint[][] {
  const out: ArousalPoint[][] = [];
  let last: ArousalPoint | undefined;
  for (const point of points) {
    if (!last || point.t - last.t > gapS) out.push([]);
    out[out.length - 1]?.push(point);
    last = point;
  }
  return out;
}
