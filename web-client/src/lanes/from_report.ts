// The report's lanes in the form that the drawing takes.
import type { Partner } from "../protocol";
import type { Report } from "../report/types";
import { lanes as words } from "../words";
import { type Block, emptyLane, type Lane, type Picture } from "./picture";

export function pictureOf(report: Report): Picture {
  const lanes: Record<Partner, Lane> = { a: emptyLane(), b: emptyLane() };
  for (const lane of report.lanes)
    lanes[lane.by] = {
      speech: lane.speech.map(block),
      gaps: lane.gaps.map(block),
      rises: lane.rises.map(block),
      arousal: lane.arousal.map(([t, level, confidence]) => ({ t, level, confidence })),
    };
  const rail = report.rail.map(({ start_s, end_s, confidence: _, ...rest }) => ({ ...rest, start: start_s, end: end_s }));
  return { names: namesOf(report.names), lanes, rail };
}

export function namesOf(names: Record<Partner, string>): Record<Partner, string> {
  return { a: names.a || words.partner.a, b: names.b || words.partner.b };
}

const block = ([start, end]: [number, number]): Block => ({ start, end, open: false });
