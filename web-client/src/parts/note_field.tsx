// An observer's one quiet field: at most four words to both, and what became of the last ones.
import { useEffect, useState } from "preact/hooks";
import { clock, PARTNERS } from "../lanes/picture";
import { useValue } from "../live/observe";
import type { Session } from "../live/session";
import { MAX_NOTE_CHARS, MAX_NOTE_WORDS, type Room } from "../protocol";
import { note as words } from "../words";

/** Both agree to an observer, both are here, and they are talking. */
export const mayNote = (room: Room): boolean =>
  room.phase === "practising" && PARTNERS.every((by) => room.partners[by].observer && room.partners[by].present);

export function NoteField({ session, room }: { session: Session; room: Room }) {
  const state = useValue(session.state);
  useBook(session); // who has seen it is told in lines
  const [text, setText] = useState("");
  const [sent, setSent] = useState<string | null>(null); // and not answered yet
  const free = useFrom(session, room.note_from_s);
  const last = session.book.notes().at(-1);
  const count = text.trim() ? text.trim().split(/\s+/).length : 0;
  const refused = state.notice && TOLD.has(state.notice.code) ? state.notice : null;
  useEffect(() => {
    if (sent !== null && state.note?.line.text === sent) {
      setText("");
      setSent(null);
    }
  }, [state.note]);
  const send = (event: Event) => {
    event.preventDefault();
    const said = text.trim().split(/\s+/).join(" ");
    setSent(said);
    session.send({ type: "note", text: said });
  };
  return (
    <section class="note-field">
      <h2>{words.title}</h2>
      <form class="row" onSubmit={send}>
        <input
          aria-label={words.label}
          aria-describedby="note-count"
          maxLength={MAX_NOTE_CHARS}
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button class="button" disabled={!free || count === 0 || count > MAX_NOTE_WORDS || state.link !== "open"}>
          {words.send}
        </button>
      </form>
      <p class="soft small" id="note-count">
        {words.count(count, MAX_NOTE_WORDS, text.trim().length, MAX_NOTE_CHARS)}
      </p>
      <p class="small" role="status">
        {refused?.message}
        {!refused && last && `${words.became(last.text ?? "", session.book.sawNote(last.id))} `}
        {!refused && last && !free && words.next(clock(Math.ceil(room.note_from_s)))}
      </p>
    </section>
  );
}

const TOLD = new Set(["bad_note", "note_too_soon", "not_agreed", "not_now", "store_unavailable"]);

function useBook(session: Session): void {
  const { book } = session;
  const told = () => book.notes().map((line) => `${line.id} ${book.sawNote(line.id)}`).join();
  const [, redraw] = useState(told);
  useEffect(() => book.subscribe(() => redraw(told())), [book]);
}

/** Whether session time has come to `fromS`. */
function useFrom(session: Session, fromS: number): boolean {
  const leftMs = () => (fromS - session.clock.now(performance.now())) * 1_000;
  const [free, setFree] = useState(leftMs() <= 0);
  useEffect(() => {
    const left = leftMs();
    setFree(left <= 0);
    if (left <= 0) return;
    const then = setTimeout(() => setFree(true), left);
    return () => clearTimeout(then);
  }, [fromS]);
  return free;
}
