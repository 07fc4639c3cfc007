// Session time on this browser's clock, between the gateway's own statements of it.
const STEP_S = 1.5; // a difference larger than this is a jump (pause, restart), not jitter
const EASE = 0.1; // share of a small difference taken up at each statement, so that nothing jerks
const SLACK_MS = 10; // a round trip this much above the quickest says as much
const STALE_MS = 60_000; // clocks drift apart: the quickest round trip of long ago says little

export class SessionClock {
  private anchorS = 0;
  private anchorMs = 0;
  private running = false;
  private quickest: { tripMs: number; atMs: number } | null = null; // round trip that the anchor stands on

  /** The gateway said that session time was `nowS`, some time before `atMs` (performance.now() on arrival). */
  set(nowS: number, running: boolean, atMs: number): void {
    const now = nowS + (this.quickest?.tripMs ?? 0) / 2_000; // it was on the way for about half a round trip
    const here = this.now(atMs);
    const off = now - here;
    const jump = !this.running || !running || Math.abs(off) > STEP_S;
    if (!jump && this.quickest) return; // the answers to our own questions know it better
    this.anchor(jump ? (running ? now : nowS) : here + off * EASE, atMs, running);
  }

  /** The gateway's answer to a question asked at `askedMs`: right to within half of the round trip. */
  answered(nowS: number, running: boolean, askedMs: number, atMs: number): void {
    const tripMs = Math.max(0, atMs - askedMs);
    const old = this.quickest;
    const better = !old || tripMs <= old.tripMs + SLACK_MS || atMs - old.atMs > STALE_MS;
    if (better) {
      this.quickest = { tripMs: old && atMs - old.atMs <= STALE_MS ? Math.min(old.tripMs, tripMs) : tripMs, atMs };
      this.anchor(running ? nowS + tripMs / 2_000 : nowS, atMs, running);
    } else this.set(nowS, running, atMs);
  }

  now(atMs: number): number {
    return this.running ? this.anchorS + (atMs - this.anchorMs) / 1_000 : this.anchorS;
  }

  private anchor(nowS: number, atMs: number, running: boolean): void {
    this.anchorS = nowS;
    this.anchorMs = atMs;
    this.running = running;
  }
}
