// Waiting times between attempts to reconnect: 0.3 s, doubled each time, never above 1 s.
const FIRST_MS = 300;
const MAX_MS = 1_000; // whoever comes back into the network is there again within 3 s
const JITTER = 0.2; // so that two partners who lost the gateway together do not return in step

export function waitMs(attempt: number, random: () => number = Math.random): number {
  const plain = Math.min(MAX_MS, FIRST_MS * 2 ** attempt);
  return Math.round(plain * (1 - JITTER * random()));
}
