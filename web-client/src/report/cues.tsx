import { clock } from "../lanes/picture";
import type { Partner } from "../protocol";
import { report as words } from "./words";
import type { CueTold, Report } from "./types";

/**
 * Each cue with whose screens it was on and what followed within a minute. Nobody is rated by it.
 * A partner's `own` page tells those that no moment tells.
 */
export function CueList({ report, names, own }: { report: Report; names: Record<Partner, string>; own: boolean }) {
  const inMoment = ({ at_s }: CueTold) => report.moments.some(({ start_s, end_s }) => start_s <= at_s && at_s <= end_s);
  const told = own ? report.cues.filter((cue) => !inMoment(cue)) : report.cues;
  if (own && told.length === 0) return null;
  return (
    <>
      <h3 class="cues-told">{words.cues}</h3>
      {told.length === 0 && <p>{words.noCues}</p>}
      <ol class="cue-list">
        {told.map((cue) => (
          <li key={cue.at_s}>
            <time>{clock(cue.at_s)}</time> “{cue.text}” {tellCue(cue, names)}
          </li>
        ))}
      </ol>
    </>
  );
}

/** "On both screens. Taken up: you were quiet together for a while." */
export function tellCue(cue: CueTold, names: Record<Partner, string>): string {
  const seen = cue.signs.flatMap((sign) => words.signs[sign] ?? []);
  if (cue.settled_s !== null) seen.push(words.settled(Math.round(cue.settled_s)));
  if (cue.went_quiet.length > 0) seen.push(words.wentQuiet(cue.went_quiet.map((by) => names[by]).join(words.and)));
  const verdict = cue.verdict === null ? words.tooSoon : words.verdicts[cue.verdict];
  return `${words.shownOn[cue.shown_on.length] ?? ""} ${verdict}${seen.length > 0 ? `: ${seen.join("; ")}` : ""}.`;
}

/** What an observer said to both, as it was recorded; what the two made of it nobody guesses. */
export function NoteList({ report }: { report: Report }) {
  if (report.notes.length === 0) return null;
  return (
    <>
      <h3 class="cues-told">{words.notes}</h3>
      <ol class="cue-list">
        {report.notes.map((note) => (
          <li key={note.at_s}>
            <time>{clock(note.at_s)}</time> “{note.text}” {words.shownOn[note.shown_on.length] || words.noteUnseen}
          </li>
        ))}
      </ol>
    </>
  );
}
