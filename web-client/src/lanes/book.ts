// Collects wire lines as they come, in any order and more than once, and cuts a picture from them.
import type { Line, Partner } from "../protocol";
import { lanes as words } from "../words";
import { type Block, emptyLane, type Mark, PARTNERS, type Picture } from "./picture";

const OVERLAPS = new Set(Object.keys(words.kinds));
type Stretch = "pause" | "lost" | "rise";

/** What starts with one happening and ends with another. Whoever resumes, a pause ends for both. */
const STRETCHES: Record<string, { what: Stretch; starts: boolean }> = {
  paused: { what: "pause", starts: true },
  resumed: { what: "pause", starts: false },
  ended: { what: "pause", starts: false },
  media_lost: { what: "lost", starts: true },
  media_back: { what: "lost", starts: false },
  arousal_rise: { what: "rise", starts: true },
  arousal_settled: { what: "rise", starts: false },
};
const OPEN_MAX_S = 30; // an open block whose end never came is not drawn on for ever

export class LineBook {
  private readonly lines = new Map<string, Line>();
  private readonly listeners = new Set<() => void>();
  /** Rises with every line that changes the picture. */
  version = 0;

  add(lines: Line[]): void {
    const before = this.version;
    for (const line of lines) {
      const known = this.lines.get(line.id);
      if (known && !revises(line, known)) continue;
      this.lines.set(line.id, line);
      this.version += 1;
    }
    if (this.version !== before) for (const listener of [...this.listeners]) listener();
  }

  /** Calls when the picture has changed; gives the way to stop. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get size(): number {
    return this.lines.size;
  }

  /** The lines that touch `from`..`to` seconds; what is open reaches up to `now`. */
  picture(names: Record<Partner, string>, from: number, to: number, now: number): Picture {
    const picture: Picture = { names, lanes: { a: emptyLane(), b: emptyLane() }, rail: [] };
    const outs: Line[] = []; // time-outs: pauses with a time to be back
    const begun = new Map<string, Line>(); // pauses and losses whose end has not come yet
    for (const line of this.ordered()) {
      if (line.kind === "time_out") outs.push(line);
      const stretch = STRETCHES[line.kind];
      if (stretch?.starts && line.start_s <= to) begun.set(stretch.what + line.by, line);
      for (const start of stretch && !stretch.starts ? take(begun, stretch.what, line.by) : [])
        placeStretch(picture, start, line.end_s, outs);
      const end = line.status === "open" ? Math.min(Math.max(now, line.end_s), line.start_s + OPEN_MAX_S) : line.end_s;
      if (line.start_s <= to && end >= from) place(picture, line, end);
    }
    for (const start of begun.values()) placeStretch(picture, start, Math.max(now, start.start_s), outs);
    for (const by of PARTNERS) settle(picture.lanes[by].speech);
    return picture;
  }

  cues(): Line[] {
    return this.ordered().filter((line) => line.kind === "cue");
  }

  notes(): Line[] {
    return this.ordered().filter((line) => line.kind === "note");
  }

  /** On how many screens the note has been. */
  sawNote(id: string): number {
    return this.ordered().filter((line) => line.kind === "note_painted" && line.note === id).length;
  }

  /** What is said: final texts, and what each is saying now. What was taken back is left out. */
  words(): Line[] {
    return this.ordered().filter((line) => line.kind === "words" && line.text);
  }

  private sorted: Line[] = [];
  private sortedAt = -1;

  private ordered(): Line[] {
    if (this.sortedAt !== this.version) {
      this.sorted = [...this.lines.values()].sort((x, y) => x.start_s - y.start_s);
      this.sortedAt = this.version;
    }
    return this.sorted;
  }
}

/** A final line ends the open ones; the same kind of line, decided later, knows more. */
function revises(line: Line, known: Line): boolean {
  if (line.status !== known.status) return line.status === "final";
  return line.decided_s > known.decided_s;
}

function place(picture: Picture, line: Line, end: number): void {
  const block: Block = { start: line.start_s, end, open: line.status === "open" };
  const lane = line.by ? picture.lanes[line.by] : null;
  if (line.kind === "speech") lane?.speech.push(block);
  else if (line.kind === "arousal")
    lane?.arousal.push({ t: (line.start_s + line.end_s) / 2, level: line.level ?? 0.5, confidence: line.confidence ?? 0 });
  else if (line.kind === "quality" && line.reason === "muted") lane?.gaps.push(block);
  else if (line.kind === "cue") picture.rail.push(mark(line, "cue", line.end_s, line.text ?? words.cue));
  else if (line.kind === "long_silence") picture.rail.push(mark(line, "pause", end, words.silence));
  else if (line.kind === "floor")
    picture.rail.push(mark(line, "floor", end, words.floorPhases[line.phase ?? ""] ?? words.floor));
  else if (line.kind === "broke_in") picture.rail.push({ ...mark(line, "overlap", end, words.brokeIn), kind: "took_floor" });
  else if (line.kind === "note") picture.rail.push(mark(line, "note", end, words.note));
  else if (line.kind.startsWith("practice_")) picture.rail.push(mark(line, "card", end, words.card));
  else if (OVERLAPS.has(line.kind))
    picture.rail.push(mark(line, "overlap", end, words.kinds[line.kind] ?? line.kind));
}

function mark(line: Line, group: Mark["group"], end: number, label: string): Mark {
  return {
    id: line.id,
    group,
    kind: line.kind,
    by: line.by ?? null,
    over: line.over ?? null,
    start: line.start_s,
    end,
    label,
    text: line.text ?? null,
  };
}

function take(begun: Map<string, Line>, what: Stretch, by: Line["by"]): Line[] {
  const keys = [...begun.keys()].filter((key) => (what === "pause" ? key.startsWith(what) : key === what + by));
  const lines = keys.flatMap((key) => begun.get(key) ?? []);
  for (const key of keys) begun.delete(key);
  return lines;
}

function placeStretch(picture: Picture, line: Line, end: number, outs: Line[]): void {
  if (line.kind === "paused") {
    const out = outs.filter((each) => each.start_s >= line.start_s && each.start_s <= end).pop(); // made longer, it is the last
    const label = out?.back_at ? words.timeOut(out.back_at) : words.pause;
    picture.rail.push({ ...mark(line, "pause", end, label), kind: out ? "time_out" : "pause" });
  }
  else if (line.by) {
    const { gaps, rises } = picture.lanes[line.by];
    (line.kind === "arousal_rise" ? rises : gaps).push({ start: line.start_s, end, open: false });
  }
}

/** An open block ends at the latest where the same partner's next one starts. */
function settle(speech: Block[]): void {
  speech.forEach((block, i) => {
    const next = speech[i + 1];
    if (block.open && next) block.end = Math.min(block.end, next.start);
  });
}
