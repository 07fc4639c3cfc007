import { useState } from "preact/hooks";
import { refusalOf, startPractice } from "../api";
import { CardPicker } from "../parts/card_picker";
import { keepInvitation, keptInvitation } from "../live/kept";
import { QuietHelp } from "../parts/help";
import { Heading, Page } from "../parts/page";
import type { Choice, Refusal } from "../protocol";
import { start } from "../words";
import { InvitePage } from "./invite";

export function StartPage() {
  const [invitation, setInvitation] = useState(keptInvitation);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [picked, setPicked] = useState<Choice | null>(null);
  const begin = async () => {
    setBusy(true);
    setRefusal(null);
    try {
      const made = await startPractice(picked);
      keepInvitation(made);
      setInvitation(made);
    } catch (error) {
      setRefusal(refusalOf(error));
    }
    setBusy(false);
  };
  const forget = () => {
    keepInvitation(null);
    setInvitation(null);
  };
  if (invitation) return <InvitePage invitation={invitation} forget={forget} />;
  return (
    <Page>
      <section class="screen hello">
        <Heading>{start.headline}</Heading>
        <p class="lead">{start.what}</p>
        <CardPicker picked={picked} refusal={refusal} pick={setPicked} />
        <div class={picked ? "way-on within-reach" : "way-on"}>
          {refusal && (
            <p class="notice" role="alert">
              {!OF_THE_CARD.has(refusal.code) && `${start.failed}: `}
              {refusal.message} {refusal.way_out}
            </p>
          )}
          <p class="row">
            <button class="button main" onClick={() => void begin()} disabled={busy}>
              {busy ? start.starting : start.start}
            </button>
            {!picked && (
              <a class="button" href="/demo">
                {start.demo}
              </a>
            )}
          </p>
        </div>
        {!picked && <p class="soft small">{start.demoNote}</p>}
      </section>
      <ul class="facts">
        {start.facts.map(([title, text]) => (
          <li key={title}>
            <h2>{title}</h2>
            <p>{text}</p>
          </li>
        ))}
      </ul>
      <section class="quietly">
        <p>{start.safe}</p>
        <QuietHelp />
      </section>
    </Page>
  );
}

const OF_THE_CARD = new Set(["bad_card", "bad_skill", "bad_anchor"]); // nothing failed: a word is missing
