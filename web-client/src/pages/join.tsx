// A partner's page: which screen is due follows from the session's state and the sound's.
import { useEffect, useMemo } from "preact/hooks";
import { useValue } from "../live/observe";
import { Practice } from "../live/practice";
import type { SessionState } from "../live/state";
import { useWakeLock } from "../live/wake";
import { Voice } from "../parts/voice";
import { LostScreen, RefusedScreen } from "../parts/refused";
import { Screen } from "../parts/page";
import { join, trouble } from "../words";
import { EndedScreen } from "./ended";
import { MicrophoneScreen } from "./microphone";
import type { PartnerScreen } from "./partner_screen";
import { PausedScreen } from "./paused";
import { PractiseScreen } from "./practise";
import { SetupScreens } from "./setup";
import { WaitingScreen } from "./waiting";

export function JoinPage({ token }: { token: string }) {
  const practice = useMemo(() => new Practice(token), [token]);
  useEffect(() => {
    practice.session.open();
    return () => practice.close();
  }, [practice]);
  const state = useValue(practice.session.state);
  const sound = useValue(practice.sound);
  const { room, role } = state;
  useWakeLock(room?.phase === "practising");

  if (state.refusal) return <RefusedScreen refusal={state.refusal} token={token} />;
  if (!room || !role) return state.link === "lost" ? <LostScreen /> : <Screen title={join.opening} />;
  if (role === "observer" || role === "report") return <WrongPage role={role} token={token} />;
  if (state.ended || room.phase === "ended") 
    return <EndedScreen report={state.ended?.report ?? token} room={room} me={role} token={token} />;
  const fault = sound.microphone;
  if (fault !== "none" && fault !== "asking" && fault !== "open")
    return <MicrophoneScreen fault={fault} practice={practice} room={room} me={role} />;
  if (!room.partners[role].practice || sound.takenBack) return <SetupScreens practice={practice} room={room} me={role} state={state} />;
  return (
    <>
      <Voice stream={room.same_room ? null : sound.voice} />
      {state.link === "lost" && room.phase !== "practising" && (
        <p class="notice floating" role="status">
          {trouble.again}
        </p>
      )}
      <AgreedScreen practice={practice} state={state} room={room} me={role} token={token} />
    </>
  );
}

function AgreedScreen(props: PartnerScreen & { state: SessionState; token: string }) {
  if (props.room.phase === "practising") return <PractiseScreen {...props} />;
  if (props.room.phase === "paused") return <PausedScreen {...props} />;
  return <WaitingScreen {...props} />;
}

function WrongPage({ role, token }: { role: "observer" | "report"; token: string }) {
  const href = role === "observer" ? `/watch#${token}` : `/report#${token}`;
  useEffect(() => location.replace(href), [href]);
  return <Screen title={trouble.opening} step={{ label: trouble.rightPage, href }} />;
}

