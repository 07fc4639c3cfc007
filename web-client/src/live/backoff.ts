// Waiting times between attempts to reconnect: 0.3 s, doubled each time, never above 3 s.
const FIRST_MS = 300;
const MAX_MS = 3_000;
const JITTER = 0.2; // so that two partners who lost the gateway together do not return in step

export function waitMs(attempt: number, random: () => number = Math.random): number {
  const plain = Math.min(MAX_MS, FIRST_MS * 2 ** attempt);
  return Math.round(plain * (1 - JITTER * random()));
}
