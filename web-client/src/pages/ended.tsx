import { useEffect, useState } from "preact/hooks";
import { forgetLearnt, practiseAgain, refusalOf, sayHowItWent } from "../api";
import { keepInvitation, keepReader } from "../live/kept";
import { Screen } from "../parts/page";
import { ReminderForm } from "../parts/reminder";
import type { Act, Again, Card, Invitation, Partner, Room } from "../protocol";
import { cards, ended } from "../words";

export function EndedScreen({ report, room, me, token }: { report: string; room: Room; me: Partner; token: string }) {
  useEffect(() => keepInvitation(null), []); // its links are used up: the start page begins anew
  useEffect(() => keepReader(report, token), [report, token]);
  return (
    <Screen
      title={ended.title}
      body={ended.body}
      step={{ label: ended.report, href: `/report#${report}` }}
      below={<NextTime me={me} token={token} learnt={room.learnt} />}
    >
      {room.card && <HowItWent card={room.card} token={token} />}
    </Screen>
  );
}

/** One tap, no shame, and never needed. Another tap changes it. */
function HowItWent({ card, token }: { card: Card; token: string }) {
  const [said, setSaid] = useState<{ act: Act; answer: string } | null>(null);
  const [refused, setRefused] = useState("");
  const say = (act: Act) =>
    sayHowItWent(token, act).then(
      (answer) => {
        setSaid({ act, answer: answer.said });
        setRefused("");
      },
      (error: unknown) => setRefused(told(error)),
    );
  return (
    <div class="after">
      <h2>{card.title}</h2>
      <p class={said ? "lead" : "soft"} role="status">
        {said?.answer ?? cards.howHint}
      </p>
      {refused && (
        <p class="notice" role="alert">
          {refused}
        </p>
      )}
      <p class="answers" role="group" aria-label={cards.how}>
        {ACTS.map((act) => (
          <button key={act} class="button" aria-pressed={said?.act === act} onClick={() => void say(act)}>
            {cards.answers[act]}
          </button>
        ))}
      </p>
      <ReminderForm card={card} token={token} />
    </div>
  );
}

/** The same two, again: each goes in from here. And what was learnt, which either may have forgotten. */
function NextTime({ me, token, learnt }: { me: Partner; token: string; learnt: boolean }) {
  const [kept, setKept] = useState(learnt ? ended.kept : "");
  const [refused, setRefused] = useState("");
  const again = () =>
    practiseAgain(token).then(
      (made) => goIn(made, me),
      (error: unknown) => setRefused(told(error)),
    );
  const forget = () =>
    forgetLearnt(token).then(
      () => setKept(ended.forgotten),
      (error: unknown) => setRefused(told(error)),
    );
  return (
    <div class="after">
      {refused && (
        <p class="notice" role="alert">
          {refused}
        </p>
      )}
      <p class="row">
        <button class="button" onClick={() => void again()}>
          {ended.next}
        </button>
      </p>
      <p class="soft small">{ended.nextHint}</p>
      {kept && (
        <p class="soft small" role="status">
          {kept}
        </p>
      )}
      {kept === ended.kept && (
        <button class="button quiet" onClick={() => void forget()}>
          {ended.forget}
        </button>
      )}
    </div>
  );
}

function goIn(made: Again, me: Partner): void {
  const mine = made.links[me];
  if (!mine) return;
  if (made.links[me === "a" ? "b" : "a"]) keepInvitation(made as Invitation); // to show the partner's link while waiting
  location.assign(`/join#${mine}`);
}

const told = (error: unknown): string => `${refusalOf(error).message} ${refusalOf(error).way_out}`;
const ACTS: Act[] = ["finish", "bend", "defer", "avoid"];
