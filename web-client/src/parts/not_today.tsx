import { useState } from "preact/hooks";
import { refusalOf, sayHowItWent } from "../api";
import type { Act, Card } from "../protocol";
import { cards as words } from "../words";
import { ReminderForm } from "./reminder";

const ACTS: Act[] = ["defer", "avoid"];

/** A card may be put off, or aside, before it is begun: one tap, and a kind word. */
export function NotToday({ card, token }: { card: Card; token: string }) {
  const [said, setSaid] = useState("");
  const say = (act: Act) =>
    sayHowItWent(token, act).then(
      (answer) => setSaid(answer.said),
      (error: unknown) => setSaid(`${refusalOf(error).message} ${refusalOf(error).way_out}`),
    );
  return (
    <details class="fold">
      <summary>{words.notToday}</summary>
      <p class="row">
        {ACTS.map((act) => (
          <button key={act} class="button" onClick={() => void say(act)}>
            {words.answers[act as "defer" | "avoid"]}
          </button>
        ))}
      </p>
      <p role="status">{said}</p>
      {said && <ReminderForm card={card} token={token} />}
    </details>
  );
}
