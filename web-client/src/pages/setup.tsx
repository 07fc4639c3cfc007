// Two screens before a practice: a question asked alone, then what one says yes to.
import { useState } from "preact/hooks";
import { useValue } from "../live/observe";
import type { SessionState } from "../live/state";
import { CardLine } from "../parts/card_line";
import { HelpText } from "../parts/help";
import { Heading, Page, Screen } from "../parts/page";
import { SoundAndTouch } from "../parts/sound_and_touch";
import { Toggle } from "../parts/toggle";
import { OTHER } from "../protocol";
import { refusalTitle } from "../refusal_titles";
import { join, paused, trouble, waiting } from "../words";
import type { PartnerScreen } from "./partner_screen";

export function SetupScreens(props: PartnerScreen & { state: SessionState }) {
  const [step, setStep] = useState<"alone" | "unsafe" | "agree">("alone");
  const stopped = props.room.now_s > 0; // in the middle of a practice this partner took back the yes
  if (step === "alone")
    return (
      <Screen title={join.aloneTitle} body={stopped ? waiting.stoppedForBoth : join.aloneLead}>
        {stopped && <p>{join.aloneLead}</p>}
        <p class="lead">{join.aloneAsk}</p>
        <p class="row">
          <button class="button" onClick={() => setStep("agree")}>
            {join.aloneNo}
          </button>
          <button class="button" onClick={() => setStep("unsafe")}>
            {join.aloneYes}
          </button>
        </p>
        {stopped && (
          <button class="button quiet" onClick={() => props.practice.session.send({ type: "end" })}>
            {paused.end}
          </button>
        )}
      </Screen>
    );
  if (step === "unsafe")
    return (
      <Screen title={join.safeTitle}>
        <HelpText />
        <button class="button quiet" onClick={() => setStep("alone")}>
          {join.back}
        </button>
      </Screen>
    );
  return <AgreeScreen {...props} />;
}

function AgreeScreen({ practice, room, me, state }: PartnerScreen & { state: SessionState }) {
  const { microphone } = useValue(practice.sound);
  const other = room.partners[OTHER[me]];
  const [name, setName] = useState(room.partners[me].name);
  const [sameRoom, setSameRoom] = useState<boolean | null>(other.practice ? room.same_room : null);
  const [observer, setObserver] = useState(room.partners[me].observer);
  const [words, setWords] = useState(room.partners[me].words);
  const [carry, setCarry] = useState(room.partners[me].carry);
  const agree = (event: Event) => {
    event.preventDefault();
    if (sameRoom === null) return;
    if (carry !== room.partners[me].carry) practice.session.send({ type: "carry", yes: carry });
    void practice.agree(name.trim(), sameRoom, observer, words);
  };
  return (
    <Page title={join.title}>
      <form class="screen agreeing" onSubmit={agree}>
        <Heading>{join.title}</Heading>
        <dl class="agree run-in">
          {[join.listens, room.words_offered ? join.keptWords : join.kept, join.seen, join.stop].map(([term, text]) => (
            <div key={term}>
              <dt>{term}</dt> <dd>{text}</dd>
            </div>
          ))}
        </dl>
        {room.card && (
          <div>
            <h2>{join.card}</h2>
            <CardLine card={room.card} />
          </div>
        )}
        <fieldset class="short-choice">
          <legend>{join.place}</legend>
          <Place label={join.sameRoom} on={sameRoom === true} choose={() => setSameRoom(true)} />
          <Place label={join.apart} on={sameRoom === false} choose={() => setSameRoom(false)} />
          {sameRoom === false && <small>{join.apartHint}</small>}
        </fieldset>
        <label class="field">
          {join.name}
          <input value={name} maxLength={40} autoComplete="given-name" onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <fieldset class="choice">
          <legend>{join.both}</legend>
          <Toggle label={join.observer} hint={join.observerHint} on={observer} change={setObserver} />
          {room.words_offered && <Toggle label={join.words} hint={join.wordsHint} on={words} change={setWords} />}
          <Toggle label={join.carry} hint={join.carryHint} on={carry} change={setCarry} />
          {room.learnt && <p class="soft">{join.known}</p>}
        </fieldset>
        <SoundAndTouch />
        <div class="way-on within-reach">
          {state.link !== "open" && <p class="notice">{trouble.again}</p>}
          {state.notice && (
            <p class="notice" role="alert">
              {refusalTitle(state.notice.code)}. {state.notice.way_out}
            </p>
          )}
          <button class="button main" disabled={microphone === "asking" || state.link !== "open"}>
            {microphone === "asking" ? join.asking : join.yes}
          </button>
          {microphone === "asking" && <p class="soft">{join.askingHint}</p>}
        </div>
      </form>
    </Page>
  );
}

function Place(props: { label: string; on: boolean; choose: () => void }) {
  return (
    <label class="place">
      <input type="radio" name="place" required checked={props.on} onChange={props.choose} />
      {props.label}
    </label>
  );
}
