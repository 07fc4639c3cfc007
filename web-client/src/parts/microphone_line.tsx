import { OTHER, type Partner, type Room } from "../protocol";
import { microphone as words } from "../words";

interface MicrophoneLineProps {
  room: Room;
  me: Partner;
  again?: (() => void) | undefined;
  look?: string; // the couple's screen places its notices itself
}

/** One quiet sentence for both where a microphone gives nothing, and a way out for whose it is. */
export function MicrophoneLine({ room, me, again, look = "couple-notice" }: MicrophoneLineProps) {
  const mine = room.partners[me].microphone;
  const theirs = room.partners[OTHER[me]].microphone;
  return (
    <div class={look} role="status">
      {mine !== "ok" ? <p>{words.told[mine].mine}</p> : theirs !== "ok" && <p>{words.told[theirs].theirs}</p>}
      {mine !== "ok" && again && (
        <button class="button" onClick={again}>
          {words.retry}
        </button>
      )}
    </div>
  );
}
