import { useEffect, useState } from "preact/hooks";
import type { SessionClock } from "../live/clock";
import type { Room } from "../protocol";
import { neutral as words } from "../words";

/** Whether the easy first minute still runs. */
export function useNeutral(room: Room, clock: SessionClock): boolean {
  const left_s = () => room.neutral_s - clock.now(performance.now());
  const [on, setOn] = useState(() => left_s() > 0);
  useEffect(() => {
    const rest_s = left_s();
    setOn(rest_s > 0);
    const over = setTimeout(() => setOn(false), Math.max(0, rest_s) * 1_000);
    return () => clearTimeout(over);
  }, [room.neutral_s, room.phase]);
  return on && room.phase === "practising";
}

/** What to talk about to begin with; either of the two may go on at once. */
export function NeutralLine({ begin }: { begin: (() => void) | undefined }) {
  return (
    <div class="neutral">
      <p class="neutral-text" role="status">
        {words.text}
      </p>
      <p class="soft">{words.hint}</p>
      {begin && (
        <button class="button quiet" onClick={begin}>
          {words.skip}
        </button>
      )}
    </div>
  );
}
