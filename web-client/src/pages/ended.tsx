import { useEffect, useState } from "preact/hooks";
import { refusalOf, sayHowItWent } from "../api";
import { keepInvitation } from "../live/kept";
import { Screen } from "../parts/page";
import { ReminderForm } from "../parts/reminder";
import type { Act, Card } from "../protocol";
import { cards, ended } from "../words";

export function EndedScreen({ report, card, token }: { report: string; card: Card | null; token: string }) {
  useEffect(() => keepInvitation(null), []); // its links are used up: the start page begins anew
  return (
    <Screen title={ended.title} body={ended.body} step={{ label: ended.report, href: `/report#${report}` }}>
      {card && <HowItWent card={card} token={token} />}
    </Screen>
  );
}

/** One tap, no shame, and never needed. */
function HowItWent({ card, token }: { card: Card; token: string }) {
  const [said, setSaid] = useState<string | null>(null);
  const [refused, setRefused] = useState("");
  const say = (act: Act) =>
    sayHowItWent(token, act).then(
      (answer) => setSaid(answer.said),
      (error: unknown) => setRefused(`${refusalOf(error).message} ${refusalOf(error).way_out}`),
    );
  return (
    <div class="after">
      <h2>{card.title}</h2>
      <p class={said ? "lead" : "soft"} role="status">
        {said ?? cards.howHint}
      </p>
      {refused && (
        <p class="notice" role="alert">
          {refused}
        </p>
      )}
      {said === null && (
        <p class="row" role="group" aria-label={cards.how}>
          {ACTS.map((act) => (
            <button key={act} class="button" onClick={() => void say(act)}>
              {cards.answers[act]}
            </button>
          ))}
        </p>
      )}
      <ReminderForm card={card} token={token} />
    </div>
  );
}

const ACTS: Act[] = ["finish", "bend", "defer", "avoid"];
