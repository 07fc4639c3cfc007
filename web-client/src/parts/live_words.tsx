// What is being said, for an observer whom both agreed to, while both agree to words.
import { useEffect, useState } from "preact/hooks";
import { clock, PARTNERS } from "../lanes/picture";
import type { Session } from "../live/session";
import type { Partner, Room } from "../protocol";
import { watch } from "../words";

const SHOWN = 8; // the newest: an observer reads the picture, and the words beside it

export const worded = (room: Room): boolean => PARTNERS.every((by) => room.partners[by].words);

export function LiveWords({ session, names }: { session: Session; names: Record<Partner, string> }) {
  const { book } = session;
  const [, redraw] = useState(0);
  useEffect(() => book.subscribe(() => redraw(book.version)), [book]);
  const said = book.words().slice(-SHOWN);
  return (
    <section class="said">
      <h2>{watch.said}</h2>
      {said.length === 0 && <p class="soft">{watch.nothingSaid}</p>}
      <ol class="quotes">
        {said.map((line) => (
          <li key={line.id} class={line.status === "open" ? "soft" : ""}>
            <time>{clock(line.start_s)}</time> {line.by && <span class={`name-${line.by}`}>{names[line.by]}</span>} {line.text}
          </li>
        ))}
      </ol>
    </section>
  );
}
