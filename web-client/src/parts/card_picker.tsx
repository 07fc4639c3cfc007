// What to practise, for those who like: folded, "Just talk" first, one card at a time in full.
import { useState } from "preact/hooks";
import { readCards, refusalOf } from "../api";
import type { Card, Refusal } from "../protocol";
import { cards as words } from "../words";

export interface Picked {
  card: Card;
  anchor: string;
}

interface PickerProps {
  picked: Picked | null;
  pick: (picked: Picked | null) => void;
}

export function CardPicker({ picked, pick }: PickerProps) {
  const [library, setLibrary] = useState<Card[] | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const load = () => {
    if (library) return;
    setRefusal(null);
    readCards().then(
      (read) => setLibrary(read.cards),
      (error: unknown) => setRefusal(refusalOf(error)),
    );
  };
  return (
    <details class="fold cards" onToggle={(event) => event.currentTarget.open && load()}>
      <summary>{picked ? words.picked(picked.card.title) : words.pick}</summary>
      <p class="soft">{words.optional}</p>
      {refusal && (
        <p class="notice" role="alert">
          {refusal.message} {refusal.way_out}
        </p>
      )}
      {!library && !refusal && <p class="soft">{words.loading}</p>}
      {library && (
        <fieldset class="choice">
          <legend class="unseen">{words.pick}</legend>
          <Place title={words.justTalk} line={words.justTalkLine} on={!picked} choose={() => pick(null)} />
          {library.map((card) => (
            <div key={card.id}>
              <Place
                title={card.title}
                line={`${words.line(card.skill, card.turns)} ${words.minutes(card.minutes)}.`}
                on={picked?.card.id === card.id}
                choose={() => pick({ card, anchor: card.anchor })}
              />
              {picked?.card.id === card.id && <CardDetail picked={picked} pick={pick} />}
            </div>
          ))}
        </fieldset>
      )}
    </details>
  );
}

function Place(props: { title: string; line: string; on: boolean; choose: () => void }) {
  return (
    <label class="place">
      <input type="radio" name="card" checked={props.on} onChange={props.choose} />
      <span>
        {props.title}
        <small>{props.line}</small>
      </span>
    </label>
  );
}

function CardDetail({ picked, pick }: { picked: Picked; pick: PickerProps["pick"] }) {
  const { card, anchor } = picked;
  return (
    <div class="card">
      <dl class="agree">
        <div>
          <dt>{words.steps}</dt>
          <dd>{card.steps.join(" ")}</dd>
        </div>
        <div>
          <dt>{words.done}</dt>
          <dd>{card.done_when}</dd>
        </div>
        <div>
          <dt>{words.fallback(words.minutes(card.fallback_minutes))}</dt>
          <dd>{card.fallback}</dd>
        </div>
      </dl>
      <label class="field">
        {words.anchor}
        <small>{words.anchorHint}</small>
        <input
          value={anchor}
          maxLength={80}
          onInput={(event) => pick({ card, anchor: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}
