// Session time on this browser's clock, between the gateway's own statements of it.
const STEP_S = 1.5; // a difference larger than this is a jump (pause, restart), not jitter
const EASE = 0.1; // share of a small difference taken up at each statement, so that nothing jerks

export class SessionClock {
  private anchorS = 0;
  private anchorMs = 0;
  private running = false;

  /** The gateway says that session time is `nowS`; `atMs` is performance.now() on arrival. */
  set(nowS: number, running: boolean, atMs: number): void {
    const here = this.now(atMs);
    const off = nowS - here;
    const jump = !this.running || !running || Math.abs(off) > STEP_S;
    this.anchorS = jump ? nowS : here + off * EASE;
    this.anchorMs = atMs;
    this.running = running;
  }

  now(atMs: number): number {
    return this.running ? this.anchorS + (atMs - this.anchorMs) / 1_000 : this.anchorS;
  }
}
