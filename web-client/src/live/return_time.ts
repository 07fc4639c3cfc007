// When a time-out ends, as people say it: "8:40".
const PAUSE_MIN = 20; // a body needs about that long to settle
const ROUND_MIN = 5; // a time that one can keep in mind
const MINUTE_MS = 60_000;

/** The next round time that is at least twenty minutes away. */
export function returnAt(now: Date): Date {
  return roundedUp(now.getTime() + PAUSE_MIN * MINUTE_MS);
}

/** What the gateway is told: whole minutes until then, and the time in this device's own words. */
export function timeOut(now: Date): { minutes: number; back_at: string } {
  const back = returnAt(now);
  return { minutes: Math.ceil((back.getTime() - now.getTime()) / MINUTE_MS), back_at: clockText(back) };
}

/**
 * The time of day on this device, always with a colon. The gateway knows the return to a minute, and
 * partners who are apart may live in two time zones: each is told their own.
 */
export function backHere(leftS: number, now: Date): string {
  const about = now.getTime() + leftS * 1_000;
  return clockText(new Date(Math.round(about / (ROUND_MIN * MINUTE_MS)) * ROUND_MIN * MINUTE_MS));
}

function roundedUp(unixMs: number): Date {
  const step = ROUND_MIN * MINUTE_MS;
  return new Date(Math.ceil(unixMs / step) * step);
}

function clockText(at: Date): string {
  const twelve = new Intl.DateTimeFormat([], { hour: "numeric" }).resolvedOptions().hour12 ?? false;
  const hour = twelve ? at.getHours() % 12 || 12 : at.getHours();
  return `${hour}:${String(at.getMinutes()).padStart(2, "0")}`;
}
