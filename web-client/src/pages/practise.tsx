import { useEffect, useMemo, useState } from "preact/hooks";
import { timeOut } from "../live/return_time";
import type { SessionState } from "../live/state";
import { CoupleScreen } from "../parts/couple";
import type { CueActions } from "../parts/cue_panel";
import type { NoteActions } from "../parts/note_panel";
import { Dialog } from "../parts/dialog";
import { Heading, useTitle } from "../parts/page";
import { practise, ended as words } from "../words";
import { DetailsDialog } from "./details";
import type { PartnerScreen } from "./partner_screen";

export function PractiseScreen(props: PartnerScreen & { state: SessionState }) {
  const { practice, state, room, me } = props;
  const { session } = practice;
  const [open, setOpen] = useState<"details" | "end" | null>(null);
  const cue = state.cue?.line.id;
  useTitle(practise.title);
  useEffect(() => {
    if (cue) setOpen(null); // a dialog lies above everything: nobody would see the cue
  }, [cue]);
  const actions: CueActions = useMemo(
    () => ({
      painted: (cue, painted_ms) =>
        session.send({ type: "painted", cue: cue.line.id, received_ms: cue.received_ms, painted_ms }),
      dismiss: (cue) => {
        session.send({ type: "dismiss", cue: cue.line.id });
        session.dropCue(cue.line.id);
      },
      fade: (cue) => session.dropCue(cue.line.id),
      timeOut: () => session.send({ type: "time_out", ...timeOut(new Date()) }),
    }),
    [session],
  );
  const notes: NoteActions = useMemo(
    () => ({
      painted: (note, painted_ms) =>
        session.send({ type: "painted", cue: note.line.id, received_ms: note.received_ms, painted_ms }),
      drop: (note) => session.dropNote(note.line.id),
    }),
    [session],
  );
  return (
    <main>
      <Heading unseen>{practise.title}</Heading>
      <CoupleScreen
        state={state}
        room={room}
        me={me}
        actions={actions}
        notes={notes}
        busy={open !== null}
        pause={() => session.send({ type: "pause" })}
        end={() => setOpen("end")}
        details={() => setOpen("details")}
        listenAgain={() => void practice.listen(room.same_room)}
        turn={(act) => session.send({ type: "floor", act })}
        beginNow={() => session.send({ type: "begin_now" })}
        repair={(message) => session.send(message)}
        clock={session.clock}
      >
        {open === "details" && <DetailsDialog {...props} close={() => setOpen(null)} />}
        {open === "end" && (
          <Dialog title={words.confirm} close={() => setOpen(null)}>
            <p>{words.confirmBody}</p>
            <p class="row">
              <button class="button main" onClick={() => session.send({ type: "end" })}>
                {words.confirmYes}
              </button>
              <button class="button" onClick={() => setOpen(null)}>
                {words.confirmNo}
              </button>
              <button class="button quiet" onClick={() => session.send({ type: "pause" })}>
                {words.pauseInstead}
              </button>
            </p>
          </Dialog>
        )}
      </CoupleScreen>
    </main>
  );
}
