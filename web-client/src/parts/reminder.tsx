import { useState } from "preact/hooks";
import { readReminder, refusalOf } from "../api";
import type { Card } from "../protocol";
import { cards as words } from "../words";

const AGAIN_DAYS = 7; // a habit of a weekday comes back with the weekday
const ROUND_MIN = 5;

/** Next week, at this time of day: the card was chosen for a habit, and that is about now. */
export function nextTime(now: Date): { date: string; time: string } {
  const at = new Date(now);
  at.setDate(at.getDate() + AGAIN_DAYS);
  at.setMinutes(Math.floor(at.getMinutes() / ROUND_MIN) * ROUND_MIN);
  const two = (n: number) => String(n).padStart(2, "0");
  return {
    date: `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    time: `${two(at.getHours())}:${two(at.getMinutes())}`,
  };
}

export function ReminderForm({ card, token }: { card: Card; token: string }) {
  const [at, setAt] = useState(() => nextTime(new Date()));
  const [said, setSaid] = useState("");
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      download(await readReminder(token, at.date, at.time), `${card.id}.ics`);
      setSaid(words.saved);
    } catch (error) {
      setSaid(`${refusalOf(error).message} ${refusalOf(error).way_out}`);
    }
  };
  return (
    <details class="fold">
      <summary>{words.again}</summary>
      <p>{words.againLead}</p>
      <form class="row" onSubmit={(event) => void save(event)}>
        <label class="short field">
          {words.day}
          <input type="date" required value={at.date} onInput={(event) => setAt({ ...at, date: event.currentTarget.value })} />
        </label>
        <label class="short field">
          {words.time}
          <input type="time" required value={at.time} onInput={(event) => setAt({ ...at, time: event.currentTarget.value })} />
        </label>
        <button class="button">{words.calendar}</button>
      </form>
      <p role="status">{said}</p>
    </details>
  );
}

function download(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
