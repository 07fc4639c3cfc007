import { useState } from "preact/hooks";
import { keptInvitation } from "../live/kept";
import { CardLine } from "../parts/card_line";
import { MicrophoneLine } from "../parts/microphone_line";
import { NotToday } from "../parts/not_today";
import { Screen } from "../parts/page";
import { OTHER } from "../protocol";
import { details, paused, waiting } from "../words";
import { PartnerLink } from "./invite";
import type { PartnerScreen } from "./partner_screen";

/** In the middle of a practice the other one has taken back the yes, or both devices were away. */
function StoppedScreen({ practice }: Pick<PartnerScreen, "practice">) {
  return (
    <Screen title={waiting.stoppedTitle} body={waiting.stoppedBody}>
      <button class="button" onClick={() => practice.session.send({ type: "end" })}>
        {paused.end}
      </button>
    </Screen>
  );
}

/** This partner has said yes; the other has not come, or not said yes yet. */
export function WaitingScreen({ practice, room, me, token }: PartnerScreen & { token: string }) {
  if (room.now_s > 0) return <StoppedScreen practice={practice} />;
  const here = room.partners[OTHER[me]].present;
  const invitation = keptInvitation();
  const [shown, setShown] = useState(false);
  const mine = invitation?.links[me] === token && !here;
  return (
    <Screen title={here ? waiting.consentTitle : waiting.partnerTitle}>
      <p role="status">{here ? waiting.consentBody : waiting.partnerBody}</p>
      <div class="calm small-calm" aria-hidden="true">
        <div class="halo" />
        <div class="core" />
      </div>
      <div role="status">
        <MicrophoneLine room={room} me={me} again={() => void practice.listen(room.same_room)} />
      </div>
      {room.card && <CardLine card={room.card} />}
      <p class="soft">
        {waiting.nothingYet} {!room.card && waiting.first}
      </p>
      {mine && shown && invitation && <PartnerLink invitation={invitation} to={OTHER[me]} />}
      {room.card && <NotToday card={room.card} token={token} />}
      <p class="row">
        {mine && !shown && (
          <button class="button main" onClick={() => setShown(true)}>
            {waiting.show}
          </button>
        )}
        <button class="button quiet" onClick={() => practice.withdraw()}>
          {details.withdraw}
        </button>
      </p>
    </Screen>
  );
}
