// Where things stand in the lanes: partner a on top, the rail between, partner b mirrored below it.
import type { Partner } from "../protocol";

export interface Layout {
  height: number;
  ribbon: Record<Partner, number>; // top of the arousal ribbon
  ribbonHeight: number;
  speech: Record<Partner, number>; // top of the speech blocks
  speechHeight: number;
  rail: number; // middle of the rail
  railHeight: number;
  cue: number; // middle of the cues, above the overlaps that may lie under them
  axis: number; // baseline of the time labels
}

const CUE_HALF = 13; // px, half a breath mark
const LABEL = 30; // px for a partner's name above the own lane

export function layoutFor(dense: boolean): Layout {
  const ribbonHeight = dense ? 48 : 76;
  const speechHeight = dense ? 24 : 30;
  const railHeight = dense ? 52 : 64;
  const gap = 8;
  const ribbonA = LABEL;
  const speechA = ribbonA + ribbonHeight + gap;
  const railTop = speechA + speechHeight;
  const speechB = railTop + railHeight;
  const ribbonB = speechB + speechHeight + gap + LABEL;
  const axis = ribbonB + ribbonHeight + 24;
  return {
    height: axis + 8,
    ribbon: { a: ribbonA, b: ribbonB },
    ribbonHeight,
    speech: { a: speechA, b: speechB },
    speechHeight,
    rail: railTop + railHeight / 2,
    railHeight,
    cue: railTop + CUE_HALF,
    axis,
  };
}

const STEPS_S = [5, 10, 15, 30, 60, 120, 300, 600];
const LABEL_PX = 64; // room for one label on the axis

/** Seconds between the labels of the time axis. */
export function tickStep(pxPerS: number): number {
  return STEPS_S.find((step) => step * pxPerS >= LABEL_PX) ?? 600;
}
