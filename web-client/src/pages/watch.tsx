// The observer's page: the lanes, live, once both partners have agreed to it.
import { useEffect, useMemo } from "preact/hooks";
import { namesOf } from "../lanes/from_report";
import { Legend } from "../lanes/legend";
import { LiveLanes } from "../lanes/live";
import { clock, PARTNERS } from "../lanes/picture";
import { useValue } from "../live/observe";
import { Session } from "../live/session";
import { LiveWords, worded } from "../parts/live_words";
import { mayNote, NoteField } from "../parts/note_field";
import { LostScreen, RefusedScreen } from "../parts/refused";
import { Heading, Page, Screen } from "../parts/page";
import type { Partner, Room } from "../protocol";
import { join, trouble, watch } from "../words";

export function useSession(token: string): Session {
  const session = useMemo(() => new Session(token), [token]);
  useEffect(() => {
    session.open();
    return () => session.close();
  }, [session]);
  return session;
}

/** The same object while the names stay the same, so that nothing is redrawn for nothing. */
export function useNames(room: Room | null): Record<Partner, string> {
  const a = room?.partners.a.name ?? "";
  const b = room?.partners.b.name ?? "";
  return useMemo(() => namesOf({ a, b }), [a, b]);
}

/** Somebody has yet to come or to say yes; once all stands, the table would say nothing new. */
const unsettled = (room: Room): boolean =>
  room.phase === "waiting" || room.phase === "consent" || (room.words_offered && !worded(room));

export const agreed = (room: Room): boolean => PARTNERS.every((by) => room.partners[by].observer);

export function WatchPage({ token }: { token: string }) {
  const session = useSession(token);
  const state = useValue(session.state);
  const names = useNames(state.room);
  const { room, role } = state;
  if (state.refusal) return <RefusedScreen refusal={state.refusal} token={token} />;
  if (!room || !role) return state.link === "lost" ? <LostScreen /> : <Screen title={join.opening} />;
  if (role === "a" || role === "b")
    return <Screen title={watch.title} step={{ label: trouble.rightPage, href: `/join#${token}` }} />;
  if (state.ended || room.phase === "ended")
    return agreed(room) ? (
      <Screen title={watch.endedTitle} step={{ label: watch.report, href: `/report#${state.ended?.report ?? token}` }} />
    ) : (
      <Screen title={watch.endedTitle} body={watch.noReport} step={{ label: trouble.home, href: "/" }} />
    );
  if (!agreed(room))
    return (
      <Screen title={watch.waitTitle} body={watch.waitBody}>
        <Agreements room={room} names={names} />
        <p class="soft">{watch.seen}</p>
      </Screen>
    );
  return (
    <Page wide title={watch.title}>
      <div class="watch-head">
        <Heading>{watch.title}</Heading>
        <p class="soft">
          {room.now_s > 0 ? `${watch.phases[room.phase]}.` : watch.waitBegin} {watch.seen} {state.link === "lost" && watch.lost}
          {state.link === "open" && room.coaching_paused && watch.coachingPaused}
          {room.words_behind && worded(room) && ` ${watch.wordsBehind}`}
        </p>
      </div>
      <LiveLanes book={session.book} clock={session.clock} names={names} />
      <div class="beside">
        {mayNote(room) && <NoteField session={session} room={room} />}
        {worded(room) && <LiveWords session={session} names={names} />}
        <section class="so-far">
          <div>
            <h2>{watch.cues}</h2>
            <Cues session={session} />
          </div>
          {unsettled(room) && <Agreements room={room} names={names} />}
        </section>
        <details class="fold" open={innerWidth > 700}>
          <summary>{watch.legend}</summary>
          <Legend />
          <p class="soft small">{watch.hint}</p>
        </details>
      </div>
    </Page>
  );
}

function Cues({ session }: { session: Session }) {
  useValue(session.state); // a cue's own message changes the state, and so the list
  const cues = session.book.cues();
  if (cues.length === 0) return <p class="soft">{watch.noCues}</p>;
  return (
    <ol class="cue-list">
      {cues.map((line) => (
        <li key={line.id}>
          <time>{clock(line.start_s)}</time> “{line.text}”
        </li>
      ))}
    </ol>
  );
}

function Agreements({ room, names }: { room: Room; names: Record<Partner, string> }) {
  const say = (yes: boolean) => (yes ? watch.yes : watch.notYet);
  return (
    <table class="agreements">
      <thead>
        <tr>
          <td />
          <th scope="col">{watch.practice}</th>
          <th scope="col">{watch.observing}</th>
          {room.words_offered && <th scope="col">{watch.wordsGiven}</th>}
        </tr>
      </thead>
      <tbody>
        {PARTNERS.map((by) => (
          <tr key={by}>
            <th scope="row" class={`name-${by}`}>
              {names[by]}
            </th>
            <td>{room.partners[by].present ? say(room.partners[by].practice) : watch.away}</td>
            <td>{say(room.partners[by].observer)}</td>
            {room.words_offered && <td>{say(room.partners[by].words)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
