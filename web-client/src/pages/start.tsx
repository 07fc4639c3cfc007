import { useState } from "preact/hooks";
import { refusalOf, startPractice } from "../api";
import { CardPicker, type Picked } from "../parts/card_picker";
import { keepInvitation, keptInvitation } from "../live/kept";
import { QuietHelp } from "../parts/help";
import { Heading, Page } from "../parts/page";
import type { Refusal } from "../protocol";
import { start } from "../words";
import { InvitePage } from "./invite";

export function StartPage() {
  const [invitation, setInvitation] = useState(keptInvitation);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [picked, setPicked] = useState<Picked | null>(null);
  const begin = async () => {
    setBusy(true);
    setRefusal(null);
    try {
      const made = await startPractice(picked && { card: picked.card.id, anchor: picked.anchor });
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
        <CardPicker picked={picked} pick={setPicked} />
        <div class={picked ? "way-on within-reach" : "way-on"}>
          {refusal && (
            <p class="notice" role="alert">
              {start.failed}: {refusal.message} {refusal.way_out}
            </p>
          )}
          <p class="row">
            <button class="button main" onClick={() => void begin()} disabled={busy}>
              {busy ? start.starting : start.start}
            </button>
            <a class="button" href="/demo">
              {start.demo}
            </a>
          </p>
        </div>
        <p class="soft small">{start.demoNote}</p>
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
