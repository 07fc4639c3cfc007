import { clock, PARTNERS } from "../lanes/picture";
import type { Partner } from "../protocol";
import { cards } from "../words";
import { report as words } from "./words";
import type { Report } from "./types";

/** Consent and data quality come first: they say how far the rest can be trusted. */
export function Scope({ report, names }: { report: Report; names: Record<Partner, string> }) {
  const { practised } = report;
  return (
    <section class="scope">
      <div>
        <h2>{words.scope}</h2>
        {PARTNERS.map((by) => (
          <p key={by}>
            <span class={`name-${by}`}>{names[by]}</span> {[consentOf(report, by), heardOf(report, by)].filter(Boolean).join(words.and)}.
          </p>
        ))}
        <p>{words.notStored}</p>
      </div>
      <div>
        <h2>{words.practised}</h2>
        <p>
          {[practised.card ? `“${practised.card}”` : words.card, practised.anchor, lasted(report)].filter(Boolean).join(", ")}.
        </p>
        {practised.answers.map(({ by, act }) => (
          <p key={by}>
            <span class={`name-${by}`}>{names[by]}</span> {words.answered(cards.answers[act])}
          </p>
        ))}
        {deeds(report).map((deed) => (
          <p key={deed}>{deed}</p>
        ))}
      </div>
    </section>
  );
}

/** Agreed turns, pauses and repairs, each a sentence; nothing where there were none. */
function deeds({ practised }: Report): string[] {
  const { turns, pauses, repairs } = practised;
  return [
    turns && words.turnsTaken(clock(turns.lasted_s), turns.handed_over, turns.said_back),
    turns && turns.added_to > 0 && words.addedTo(turns.added_to),
    turns && turns.broken_into > 0 && words.brokenInto(turns.broken_into),
    pauses.asked > 0 && words.pausesKept(pauses.asked, pauses.kept),
    pauses.time_outs > 0 && words.timeOuts(pauses.time_outs, pauses.came_back),
    repairs.offered > 0 && words.repairs(repairs.offered, repairs.accepted),
  ].filter((deed): deed is string => typeof deed === "string");
}

function lasted({ practised }: Report): string {
  const done = clock(practised.done_s);
  return practised.planned_s === null ? done : words.planned(done, clock(practised.planned_s));
}

/** Every change of mind, in order: "said yes to the practice (0:00), took back the yes (4:10)". */
function consentOf(report: Report, by: Partner): string {
  const own = report.scope.consents.filter((each) => each.by === by);
  return own.map((each) => `${words.consent(each.practice, each.observer, each.words)} (${clock(each.at_s)})`).join(", ");
}

function heardOf(report: Report, by: Partner): string {
  const own = report.scope.quality.find((each) => each.by === by);
  if (!own) return words.heard(percent(0));
  return [words.heard(percent(own.heard_share)), ...own.notes].map((note) => note.replace(/\.$/, "")).join(". ");
}

const percent = (share: number): string => `${Math.round(share * 100)}\u00a0%`;
