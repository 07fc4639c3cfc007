import type { MicrophoneFault } from "../live/microphone";
import { Screen } from "../parts/page";
import { microphone as words } from "../words";
import type { PartnerScreen } from "./partner_screen";

/** The microphone cannot be opened. Trying again asks the browser anew. */
export function MicrophoneScreen({ fault, practice, room }: PartnerScreen & { fault: MicrophoneFault }) {
  const { title, body } = words[fault];
  return (
    <Screen title={title} body={body} step={{ label: words.retry, press: () => void practice.retry(room.same_room) }} />
  );
}
