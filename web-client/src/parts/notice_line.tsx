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
  const said =
    me && !microphonesWell(room) ? (
      <MicrophoneLine room={room} me={me} again={again} />
    ) : me && room.repair === me ? (
      <p>{repair.offered}</p>
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

const SHOWN = new Set(["store_unavailable", "bad_offer"]); // the rest rights itself
