import { useState } from "preact/hooks";
import { keepChoices, keptChoices } from "../live/kept";
import { Dialog } from "../parts/dialog";
import { Toggle } from "../parts/toggle";
import { details, floor, join, practise, repair } from "../words";
import type { PartnerScreen } from "./partner_screen";

/** What is going on, who is here, and every yes to take back. */
export function DetailsDialog({ practice, room, me, close }: PartnerScreen & { close: () => void }) {
  const [choices, setChoices] = useState(keptChoices);
  const choose = (changed: Partial<typeof choices>) => {
    setChoices({ ...choices, ...changed });
    keepChoices({ ...choices, ...changed });
  };
  const mine = room.partners[me];
  const offer = () => {
    practice.session.send({ type: "repair", act: "offer" });
    close();
  };
  const begin = () => {
    practice.session.send({ type: "floor", act: "take" });
    close();
  };
  return (
    <Dialog title={details.title} close={close}>
      <p>
        {room.phase === "practising" ? details.listening : details.paused} {details.observers(room.observers)}
      </p>
      {room.cues_silent && (
        <p class="row">
          <span>{details.silent}</span>
          <button class="button quiet" onClick={() => practice.session.send({ type: "cues_wanted" })}>
            {details.ask}
          </button>
        </p>
      )}
      {room.phase === "practising" && !room.repair && (
        <div>
          <button class="button small" onClick={offer}>
            {repair.offer}
          </button>
          <p class="soft small">{repair.offerHint}</p>
        </div>
      )}
      {room.phase === "practising" && !room.floor && (
        <div>
          <p class="row">
            <span>{details.floor}</span>
            <button class="button small" onClick={begin}>
              {floor.take}
            </button>
          </p>
          <p class="soft small">{details.floorHint}</p>
        </div>
      )}
      <Toggle
        label={details.allowObserver}
        on={mine.observer}
        change={(observer) => practice.session.send({ type: "consent", practice: true, observer, words: mine.words })}
      />
      {room.words_offered && (
        <Toggle
          label={join.words}
          on={mine.words}
          change={(words) => practice.session.send({ type: "consent", practice: true, observer: mine.observer, words })}
        />
      )}
      <Toggle
        label={join.carry}
        on={mine.carry}
        change={(yes) => practice.session.send({ type: "carry", yes })}
      />
      <Toggle label={join.chime} on={choices.chime} change={(chime) => choose({ chime })} />
      <Toggle label={join.vibrate} on={choices.vibrate} change={(vibrate) => choose({ vibrate })} />
      <p class="row">
        <button class="button main" onClick={close}>
          {practise.close}
        </button>
        {room.phase === "practising" && (
          <button class="button" onClick={() => practice.session.send({ type: "pause" })}>
            {practise.pause}
          </button>
        )}
        <button class="button quiet" onClick={() => practice.withdraw()}>
          {details.withdraw}
        </button>
      </p>
      <p class="soft small">{details.withdrawHint}</p>
    </Dialog>
  );
}
