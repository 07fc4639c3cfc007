import { timeOut } from "../live/return_time";
import type { SessionState } from "../live/state";
import { Heading, Page } from "../parts/page";
import { paused as words } from "../words";
import { LeaveRow } from "./leave_row";
import type { PartnerScreen } from "./partner_screen";
import { TimeOutScreen } from "./time_out";

/** A pause without a time, or one with a time to be back. */
export function PausedScreen(props: PartnerScreen & { state: SessionState }) {
  const { practice, room } = props;
  const { session } = practice;
  if (room.time_out) return <TimeOutScreen {...props} out={room.time_out} />;
  return (
    <Page title={words.title}>
      <section class="screen">
        <Heading>{words.title}</Heading>
        <p class="lead">{words.body}</p>
        <p class="soft">
          {words.nothing} {!room.same_room && words.hear}
        </p>
        <p class="row">
          <button class="button main" onClick={() => session.send({ type: "resume" })}>
            {words.resume}
          </button>
          <button class="button" onClick={() => session.send({ type: "time_out", ...timeOut(new Date()) })}>
            {words.timeOut}
          </button>
        </p>
        <p class="soft">{words.timeOutHint}</p>
        <LeaveRow {...props} />
      </section>
    </Page>
  );
}
