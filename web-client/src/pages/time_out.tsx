// A time-out: when we are back, one thing that soothes, and the way in again. Nothing on it hurries.
import { useEffect, useMemo, useState } from "preact/hooks";
import { backHere, timeOut } from "../live/return_time";
import type { SessionState } from "../live/state";
import { Heading, Page } from "../parts/page";
import { whenPainted } from "../parts/painted";
import type { TimeOut } from "../protocol";
import { paused as words } from "../words";
import { LeaveRow } from "./leave_row";
import type { PartnerScreen } from "./partner_screen";

const LOOK_MS = 15_000; // minutes are told, so nobody sees a second go by

export function TimeOutScreen({ practice, room, state, out }: PartnerScreen & { state: SessionState; out: TimeOut }) {
  const { session } = practice;
  const left_s = useLeft(out);
  const back = useMemo(() => backHere(out.left_s, new Date()), [out]);
  const { cue } = state;
  useEffect(() => {
    if (!cue) return; // the cue of a time-out is this very screen
    return whenPainted((painted_ms) => {
      session.send({ type: "painted", cue: cue.line.id, received_ms: cue.received_ms, painted_ms });
      session.dropCue(cue.line.id);
    });
  }, [cue?.line.id]);
  const over = left_s <= 0;
  return (
    <Page title={words.title}>
      <section class="screen">
        <Heading>{over ? words.over : words.back(back)}</Heading>
        <div class="calm small-calm" aria-hidden="true">
          <div class="halo" />
          <div class="core" />
        </div>
        {over ? <p class="lead">{words.overBody}</p> : <p class="lead">{out.task}</p>}
        <p class={over ? "unseen" : "soft"} role="status">
          {over ? words.over : words.left(left_s)}
        </p>
        <p class="row">
          <button class={over ? "button main" : "button"} onClick={() => session.send({ type: "resume" })}>
            {words.weAreBack}
          </button>
          {over && (
            <button class="button" onClick={() => session.send({ type: "time_out", ...timeOut(new Date()) })}>
              {words.longer}
            </button>
          )}
        </p>
        <p class="soft">
          {words.nothing} {!room.same_room && words.hear}
        </p>
        <LeaveRow practice={practice} />
      </section>
    </Page>
  );
}

/** Seconds left, by this device's wall clock: a phone that slept knows the time all the same. */
function useLeft(out: TimeOut): number {
  const until = useMemo(() => Date.now() + out.left_s * 1_000, [out]);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const look = () => setNow(Date.now());
    look();
    const looking = setInterval(look, LOOK_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(looking);
      document.removeEventListener("visibilitychange", look);
    };
  }, [until]);
  return (until - now) / 1_000;
}
