import { Dialog } from "../parts/dialog";
import { SoundAndTouch } from "../parts/sound_and_touch";
import { Toggle } from "../parts/toggle";
import type { ToGateway } from "../protocol";
import { details, floor, join, practise, repair } from "../words";
import type { PartnerScreen } from "./partner_screen";

/** What is going on, who is here, and every yes to take back. */
export function DetailsDialog({ practice, room, me, close }: PartnerScreen & { close: () => void }) {
  const mine = room.partners[me];
  const act = (message: ToGateway) => {
    practice.session.send(message);
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
      {room.phase === "practising" && !room.floor && (
        <div>
          <button class="button small" onClick={() => act({ type: "floor", act: "take" })}>
            {floor.take}
          </button>
          <p class="soft small">{details.floorHint}</p>
        </div>
      )}
      {room.phase === "practising" && !room.repair && (
        <div>
          <button class="button small" onClick={() => act({ type: "repair", act: "offer" })}>
            {repair.offer}
          </button>
          <p class="soft small">{repair.offerHint}</p>
        </div>
      )}
      <fieldset class="choice">
        <legend>{details.yeses}</legend>
        <Toggle
          label={details.allowObserver}
          hint={details.allowObserverHint}
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
        <button class="button quiet" onClick={() => practice.withdraw()}>
          {details.withdraw}
        </button>
        <p class="soft small">{details.withdrawHint}</p>
      </fieldset>
      <SoundAndTouch />
      <p class="row dialog-end">
        <button class="button main" onClick={close}>
          {practise.close}
        </button>
        {room.phase === "practising" && (
          <button class="button" onClick={() => practice.session.send({ type: "pause" })}>
            {practise.pause}
          </button>
        )}
      </p>
    </Dialog>
  );
}
