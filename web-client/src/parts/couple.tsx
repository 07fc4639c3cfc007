// What a couple sees while talking: a calm shape, the listening sign, Pause and End; and the cue.
import type { ComponentChildren } from "preact";
import type { SessionClock } from "../live/clock";
import type { SessionState } from "../live/state";
import { type FloorAct, OTHER, type Partner, type Room, type ToGateway } from "../protocol";
import { note, practise } from "../words";
import { CardLine } from "./card_line";
import { type CueActions, CuePanel } from "./cue_panel";
import { FloorPanel } from "./floor_panel";
import { microphonesWell } from "./microphone_line";
import { NeutralLine, useNeutral } from "./neutral_line";
import { type NoteActions, NotePanel } from "./note_panel";
import { NoticeLine } from "./notice_line";
import { RepairLine } from "./repair_line";

interface CoupleProps {
  state: SessionState;
  room: Room;
  me: Partner | null; // null: looked at from outside, as in the demo
  actions: CueActions;
  notes?: NoteActions; // what an observer says to both
  busy?: boolean; // a dialog is open
  pause?: () => void;
  end?: () => void;
  details?: () => void;
  listenAgain?: () => void; // opens the microphone anew
  turn?: (act: FloorAct) => void;
  beginNow?: () => void;
  repair?: (message: ToGateway) => void;
  clock: SessionClock;
  children?: ComponentChildren;
}

export function CoupleScreen(props: CoupleProps) {
  const { state, room, me } = props;
  const neutral = useNeutral(room, props.clock);
  const sign = signText(props);
  const waits = state.cue !== null || props.busy === true;
  const asked = me !== null && room.repair === OTHER[me];
  return (
    <div class="couple">
      <div class="couple-top">
        <button class="sign" aria-haspopup="dialog" onClick={props.details} disabled={!props.details}>
          <span class={hears(props) ? "dot on" : "dot"} aria-hidden="true" />
          {sign}
        </button>
        {room.card && !neutral && <CardLine card={room.card} />}
        {room.observers > 0 && !room.observer_waiting && <p class="sign">{practise.watched(room.observers)}</p>}
        {room.observer_waiting && (
          <button class="sign" aria-haspopup="dialog" onClick={props.details} disabled={!props.details}>
            {practise.observerAsks}
          </button>
        )}
      </div>
      <NoticeLine state={state} room={room} me={me} again={props.listenAgain} />
      <div class="calm" role="img" aria-label={practise.shape}>
        <div class="halo" />
        <div class="core" />
      </div>
      {asked && props.repair && <RepairLine say={props.repair} />}
      {neutral && !room.floor && !asked && microphonesWell(room) && <NeutralLine begin={props.beginNow} />}
      {me && room.floor && props.turn && !asked && <FloorPanel side={room.floor[me]} act={props.turn} />}
      {props.children}
      <div class="couple-end">
        <button class="button" onClick={props.pause} disabled={!props.pause}>
          {practise.pause}
        </button>
        <button class="button" onClick={props.end} disabled={!props.end}>
          {practise.end}
        </button>
      </div>
      <p class="unseen" role="status">
        {sign === practise.listening ? "" : sign}
      </p>
      <p class="unseen" role="status" aria-live="assertive">
        {state.cue?.line.text ?? ""}
      </p>
      {state.cue && <CuePanel key={state.cue.line.id} cue={state.cue} clock={props.clock} actions={props.actions} />}
      <p class="unseen" role="status">
        {state.note && props.notes && !waits ? `${note.from}: ${state.note.line.text}` : ""}
      </p>
      {state.note && props.notes && (
        <NotePanel key={state.note.line.id} note={state.note} waits={waits} actions={props.notes} />
      )}
    </div>
  );
}

const hears = (props: CoupleProps): boolean => connected(props) && !props.room.coaching_paused;

function connected({ state, room, me }: CoupleProps): boolean {
  const media = me ? [room.partners[me].media] : [room.partners.a.media, room.partners.b.media];
  return state.link === "open" && media.every((each) => each === "connected");
}

function signText(props: CoupleProps): string {
  const { state, room, me } = props;
  if (state.link !== "open") return practise.reconnecting;
  if (!connected(props)) return me && room.partners[me].media === "lost" ? practise.reconnecting : practise.connecting;
  const other = me && room.partners[OTHER[me]];
  if (other && (!other.present || other.media === "lost")) return practise.partnerAway;
  return room.coaching_paused ? practise.resting : practise.listening;
}
