// What was said, where both agreed to words: quotes, what each was reaching for, and how turns began.
import { useState } from "preact/hooks";
import { answerReaching, askSummary, refusalOf, shownSummary } from "../api";
import { clock } from "../lanes/picture";
import type { Partner, Refusal } from "../protocol";
import { report as words } from "./words";
import type { Quote, Report, Spoken } from "./types";

export const AROUND_S = 20;
const UNSURE = 0.5; // of a quote; below it the words are a guess

type Names = Record<Partner, string>;

/** The quotes within 20 s of a mark on the rail. */
export function around(spoken: Spoken, start: number, end: number): Quote[] {
  return spoken.quotes.filter((quote) => quote.end_s >= start - AROUND_S && quote.start_s <= end + AROUND_S);
}

export function Quotes({ quotes, names }: { quotes: Quote[]; names: Names }) {
  return (
    <ol class="quotes">
      {quotes.map((quote) => (
        <li key={`${quote.by}${quote.start_s}`}>
          <time>{clock(quote.start_s)}</time> <span class={`name-${quote.by}`}>{names[quote.by]}</span>{" "}
          {quote.text ? `“${quote.text}”` : <span class="soft">{words.lost}</span>}
          {quote.text && quote.confidence < UNSURE && <small class="soft"> {words.unsure}</small>}
        </li>
      ))}
    </ol>
  );
}

export function SpokenPart({ report, names, token }: { report: Report; names: Names; token: string }) {
  const { spoken } = report;
  if (!spoken) return null;
  return (
    <section class="spoken">
      <Reaching spoken={spoken} names={names} token={token} />
      {spoken.starts.length > 0 && (
        <>
          <h2>{words.starts}</h2>
          <p class="soft small">{words.startLead}</p>
          <ol class="quotes">
            {spoken.starts.map((start) => (
              <li key={`${start.by}${start.at_s}`}>
                <time>{clock(start.at_s)}</time>{" "}
                {start.kind === "gentle" && <span class={`name-${start.by}`}>{names[start.by]}</span>} {words.startKinds[start.kind]}: {start.because}
              </li>
            ))}
          </ol>
        </>
      )}
      <details class="fold">
        <summary>{words.quotes}</summary>
        <Quotes quotes={spoken.quotes} names={names} />
      </details>
      {spoken.summary_offered && <Summary token={token} />}
    </section>
  );
}

function Reaching({ spoken, names, token }: { spoken: Spoken; names: Names; token: string }) {
  const [given, setGiven] = useState<Record<string, boolean>>({});
  const answer = (id: string, yes: boolean) => {
    setGiven({ ...given, [id]: yes });
    answerReaching(token, id, yes).catch(() => {
      const { [id]: _, ...rest } = given;
      setGiven(rest);
    });
  };
  const asked = spoken.reaching.filter((each) => each.answer === "asked");
  const told = spoken.reaching.filter((each) => each.answer === "yes");
  return (
    <>
      {told.length > 0 && (
        <>
          <h2>{words.reachingTold}</h2>
          <p class="soft small">{words.reachingToldLead}</p>
          <Quotes quotes={told.map((each) => ({ ...each, start_s: each.at_s, end_s: each.at_s, confidence: 1 }))} names={names} />
        </>
      )}
      {asked.length > 0 && (
        <div class="unprinted">
          <h2>{words.reaching}</h2>
          <p class="soft small">{words.reachingLead}</p>
          <ul class="asked">
            {asked.map(({ words: id, at_s, text }) => (
              <li key={id + text}>
                <p>
                  <time>{clock(at_s)}</time> “{text}”
                </p>
                <p class="row">
                  <button class="button small" aria-pressed={given[id] === true} onClick={() => answer(id, true)}>
                    {words.reachingYes}
                  </button>
                  <button class="button small" aria-pressed={given[id] === false} onClick={() => answer(id, false)}>
                    {words.reachingNo}
                  </button>
                </p>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

interface Shown {
  to: string;
  text: string;
  digest: string;
}

/** Nothing is sent that was not shown first. */
function Summary({ token }: { token: string }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [summary, setSummary] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const show = () => shownSummary(token).then(setShown, (error: unknown) => setRefusal(refusalOf(error)));
  const ask = async (digest: string) => {
    setAsking(true);
    try {
      setSummary((await askSummary(token, digest)).summary);
    } catch (error) {
      setRefusal(refusalOf(error));
    }
    setAsking(false);
  };
  return (
    <details class="fold unprinted" onToggle={(event) => event.currentTarget.open && !shown && void show()}>
      <summary>{words.summary}</summary>
      {refusal && <p class="notice">{`${refusal.message} ${refusal.way_out}`}</p>}
      {shown && (
        <>
          <p class="soft small">{words.summaryLead(new URL(shown.to).host)}</p>
          <pre class="sent" tabIndex={0}>
            {shown.text}
          </pre>
          <button class="button small" disabled={asking} onClick={() => void ask(shown.digest)}>
            {asking ? words.summaryAsking : words.summaryAsk}
          </button>
        </>
      )}
      {summary && <p class="one-thing">{summary}</p>}
    </details>
  );
}
