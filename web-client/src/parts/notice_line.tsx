import { useEffect, useRef, useState } from "preact/hooks";
import type { SessionState } from "../live/state";
import type { Partner, Room } from "../protocol";
import { refusalTitle } from "../refusal_titles";
import { practise, repair } from "../words";
import { MicrophoneLine, microphonesWell } from "./microphone_line";

interface NoticeLineProps {
  state: SessionState;
  room: Room;
  me: Partner | null;
  again?: (() => void) | undefined;
}

/** What the two should know just now: one thing at a time, first what one of them can mend. */
export function NoticeLine({ state, room, me, again }: NoticeLineProps) {
  const mended = useMended(room);
  const said =
    me && !microphonesWell(room) ? (
      <MicrophoneLine room={room} me={me} again={again} />
    ) : me && room.repair === me ? (
      <p>{repair.offered}</p>
    ) : mended ? (
      <p>{repair.taken}</p>
    ) : state.notice && SHOWN.has(state.notice.code) ? (
      <p>{refusalTitle(state.notice.code)}</p>
    ) : (
      room.coaching_paused && <p>{practise.coachingPaused}</p>
    );
  return (
    <div class="couple-notice" role="status">
      {said}
    </div>
  );
}

const TOLD_MS = 8_000; // time to look up and read it

/** For a while after an offer to begin again was taken up: both are told, and who offered knows that it was a yes. */
function useMended(room: Room): boolean {
  const before = useRef(room.repairs);
  const [told, tell] = useState(false);
  useEffect(() => {
    const more = room.repairs > before.current;
    before.current = room.repairs;
    if (!more) return;
    tell(true);
    const over = setTimeout(() => tell(false), TOLD_MS);
    return () => clearTimeout(over);
  }, [room.repairs]);
  return told;
}

const SHOWN = new Set(["store_unavailable", "bad_offer"]); // the rest rights itself
