// The demo: a real session of two simulated partners; the couple's screen beside the live lanes.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { refusalOf, startDemo } from "../api";
import { Legend } from "../lanes/legend";
import { LiveLanes } from "../lanes/live";
import { useValue } from "../live/observe";
import type { Session } from "../live/session";
import { CoupleScreen } from "../parts/couple";
import type { CueActions } from "../parts/cue_panel";
import { Heading, Page, Screen } from "../parts/page";
import { LostScreen, RefusedScreen } from "../parts/refused";
import type { Refusal } from "../protocol";
import { demo, watch } from "../words";
import { useNames, useSession } from "./watch";

export function DemoPage() {
  const [started, setStarted] = useState<{ token: string; report: string } | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  useEffect(() => {
    startDemo().then(setStarted, (error: unknown) => setRefusal(refusalOf(error)));
  }, []);
  if (refusal) return <RefusedScreen refusal={refusal} token="" />;
  return started ? <Running {...started} /> : <Screen title={demo.title} body={demo.wait} />;
}

const REPORT_AFTER_MS = 2_500; // long enough to read the one sentence that says so

function Running({ token, report }: { token: string; report: string }) {
  const session = useSession(token);
  const state = useValue(session.state);
  const names = useNames(state.room);
  const href = `/report#${report}`;
  const over = state.ended !== null || state.room?.phase === "ended";
  useEffect(() => {
    if (!over) return;
    const opening = setTimeout(() => location.assign(href), REPORT_AFTER_MS);
    return () => clearTimeout(opening);
  }, [over, href]);
  const actions: CueActions = useMemo(
    () => ({
      painted: () => undefined, // only partners acknowledge
      dismiss: (cue) => session.dropCue(cue.line.id),
      fade: (cue) => session.dropCue(cue.line.id),
    }),
    [session],
  );
  if (over) return <Screen title={demo.over} step={{ label: demo.open, href }} />;
  if (state.refusal) return <RefusedScreen refusal={state.refusal} token={report} />;
  const { room } = state;
  if (!room) return state.link === "lost" ? <LostScreen /> : <Screen title={demo.title} body={demo.wait} />;
  return (
    <Page wide title={demo.title}>
      <div class="demo-head">
        <div>
          <Heading>{demo.title}</Heading>
          <p class="soft">{demo.lead}</p>
        </div>
        <ListenButton session={session} />
      </div>
      <div class="demo">
        <section>
          <h2>{demo.couple}</h2>
          <div class="phone">
            <CoupleScreen state={state} room={room} me={null} clock={session.clock} actions={actions} />
          </div>
        </section>
        <section>
          <h2>{demo.lanes}</h2>
          <LiveLanes book={session.book} clock={session.clock} names={names} />
          <details class="fold" open={innerWidth > 700}>
            <summary>{watch.legend}</summary>
            <Legend />
          </details>
        </section>
      </div>
    </Page>
  );
}

const FIRST_WORD_S = 0.5; // the simulated partners start their sound about this long after session time starts
const STEP_S = 0.35; // the sound is set again where it has drifted further than this

/** Plays the bundled dialogue in step with session time. */
function ListenButton({ session }: { session: Session }) {
  const audio = useRef<HTMLAudioElement>(null);
  const [on, setOn] = useState(false);
  useEffect(() => {
    const sound = audio.current;
    if (!on || !sound) return;
    const align = () => {
      const now = Math.max(0, session.clock.now(performance.now()) - FIRST_WORD_S);
      if (Math.abs(sound.currentTime - now) > STEP_S) sound.currentTime = now;
    };
    align();
    void sound.play().catch(() => setOn(false));
    const aligning = setInterval(align, 2_000);
    return () => {
      clearInterval(aligning);
      sound.pause();
    };
  }, [on, session]);
  return (
    <>
      <audio ref={audio} src="/demo/dialogue.ogg" preload="auto" />
      <button class="button main" aria-pressed={on} onClick={() => setOn(!on)}>
        {on ? demo.mute : demo.listen}
      </button>
    </>
  );
}
