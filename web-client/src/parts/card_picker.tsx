// What to practise, for those who like: folded, "Just talk" first, then one's own, then the cards, one in full.
import { useEffect, useRef, useState } from "preact/hooks";
import { readCards, refusalOf } from "../api";
import type { Card, Choice, OwnCard, Refusal } from "../protocol";
import { cards as words } from "../words";

interface PickerProps {
  picked: Choice | null;
  refusal: Refusal | null; // of what was picked: the field at fault is brought into sight
  pick: (picked: Choice | null) => void;
}

const EMPTY: OwnCard = { skill: "", anchor: "", minutes: 5 };

export function CardPicker({ picked, refusal: refused, pick }: PickerProps) {
  const place = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (refused?.code === "bad_skill" || refused?.code === "bad_anchor")
      place.current?.querySelector<HTMLInputElement>(`input[name=${refused.code.slice(4)}]`)?.focus();
  }, [refused]);
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
  const own = picked && "own" in picked ? picked.own : null;
  const chosen = picked && "card" in picked ? picked : null;
  const title = own ? words.own : library?.find((card) => card.id === chosen?.card)?.title;
  return (
    <details ref={place} class="fold cards" onToggle={(event) => event.currentTarget.open && load()}>
      <summary>{title ? words.picked(title) : words.pick}</summary>
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
          <div>
            <Place title={words.own} line={words.ownLine} on={own !== null} choose={() => pick({ own: own ?? EMPTY })} />
            {own && <OwnForm own={own} change={(changed) => pick({ own: { ...own, ...changed } })} />}
          </div>
          {library.map((card) => (
            <div key={card.id}>
              <Place
                title={card.title}
                line={`${words.line(card.skill, card.turns)} ${words.minutes(card.minutes)}.`}
                on={chosen?.card === card.id}
                choose={() => pick({ card: card.id, anchor: card.anchor })}
              />
              {chosen?.card === card.id && (
                <CardDetail card={card} anchor={chosen.anchor} change={(anchor) => pick({ card: card.id, anchor })} />
              )}
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

const MINUTES = [3, 5, 10];
const MOST_LETTERS = 80;

/** Three fields, so that it takes less than a minute. */
function OwnForm({ own, change }: { own: OwnCard; change: (changed: Partial<OwnCard>) => void }) {
  const form = useRef<HTMLDivElement>(null);
  useEffect(() => form.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="card" ref={form}>
      <Written name="skill" label={words.ownSkill} hint={words.ownSkillHint} text={own.skill} change={(skill) => change({ skill })} />
      <Written name="anchor" label={words.ownAnchor} hint={words.ownAnchorHint} text={own.anchor} change={(anchor) => change({ anchor })} />
      <fieldset class="short-choice">
        <legend>{words.ownMinutes}</legend>
        {MINUTES.map((minutes) => (
          <label key={minutes} class="place">
            <input type="radio" name="minutes" checked={own.minutes === minutes} onChange={() => change({ minutes })} />
            {words.minutes(minutes)}
          </label>
        ))}
      </fieldset>
    </div>
  );
}

function Written(props: { name: string; label: string; hint: string; text: string; change: (text: string) => void }) {
  return (
    <label class="field">
      {props.label}
      <small>{props.hint}</small>
      <input name={props.name} value={props.text} maxLength={MOST_LETTERS} onInput={(event) => props.change(event.currentTarget.value)} />
    </label>
  );
}

function CardDetail({ card, anchor, change }: { card: Card; anchor: string; change: (anchor: string) => void }) {
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
      <Written name="anchor" label={words.anchor} hint={words.anchorHint} text={anchor} change={change} />
    </div>
  );
}
