import { OTHER, type Partner, type Room } from "../protocol";
import { microphone as words } from "../words";

interface MicrophoneLineProps {
  room: Room;
  me: Partner;
  again?: (() => void) | undefined;
}

export const microphonesWell = (room: Room): boolean => room.partners.a.microphone === "ok" && room.partners.b.microphone === "ok";

/** One quiet sentence for both where a microphone gives nothing, and a way out for whose it is. */
export function MicrophoneLine({ room, me, again }: MicrophoneLineProps) {
  const mine = room.partners[me].microphone;
  const theirs = room.partners[OTHER[me]].microphone;
  if (mine === "ok") return theirs === "ok" ? null : <p>{words.told[theirs].theirs}</p>;
  return (
    <>
      <p>{words.told[mine].mine}</p>
      {again && (
        <button class="button" onClick={again}>
          {words.retry}
        </button>
      )}
    </>
  );
}
