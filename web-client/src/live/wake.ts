import { useEffect } from "preact/hooks";

/** Keeps the screen on while `active`: nobody touches a phone that is propped up on a table. */
export function useWakeLock(active: boolean): void {
  useEffect(() => {
    if (!active || !("wakeLock" in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = async () => {
      if (document.hidden) return;
      try {
        const taken = await navigator.wakeLock.request("screen");
        if (over) void taken.release();
        else lock = taken;
      } catch {
        lock = null; // low battery: the screen may go dark, and the practice goes on
      }
    };
    void take();
    document.addEventListener("visibilitychange", take); // the browser drops the lock of a hidden page
    return () => {
      over = true;
      document.removeEventListener("visibilitychange", take);
      void lock?.release();
    };
  }, [active]);
}
