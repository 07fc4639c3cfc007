// One page in the order that therapists asked for; partners begin with what is theirs. Every sentence can be read aloud to both.
import { namesOf, pictureOf } from "../lanes/from_report";
import { Legend } from "../lanes/legend";
import { clock, type Mark, PARTNERS, type Picture } from "../lanes/picture";
import { StillLanes, tell } from "../lanes/still";
import { Heading, Page } from "../parts/page";
import type { Partner } from "../protocol";
import { ended, NOT_A_DIAGNOSIS, watch } from "../words";
import { report as words } from "./words";
import { CueList, NoteList } from "./cues";
import { MomentList } from "./moments";
import { Scope } from "./scope";
import { around, Quotes, SpokenPart } from "./spoken";
import { TurnTakingPart } from "./turn_taking";
import type { Report } from "./types";

export function ReportView({ report, token, own }: { report: Report; token: string; own: boolean }) {
  const names = namesOf(report.names);
  const couple = <CouplePart report={report} names={names} />;
  const picture = pictureOf(report);
  return (
    <Page wide title={words.title} foot={false}>
      <article class="report">
        <header class="report-head">
          <Heading>{words.title}</Heading>
          <p class="soft">{dateline(report, names)}</p>
        </header>
        {own && couple}
        <Scope report={report} names={names} />
        <section>
          <h2>{words.strengths}</h2>
          <Strengths report={report} />
        </section>
        <section>
          <h2>{words.picture}</h2>
          <StillLanes picture={picture} duration={report.duration_s} beside={(mark) => <Beside mark={mark} report={report} />} />
          <details class="fold unprinted">
            <summary>{watch.legend}</summary>
            <Legend />
          </details>
          <MarkList picture={picture} />
        </section>
        <section>
          <h2>{words.moments}</h2>
          <MomentList moments={report.moments} />
          <h3 class="cues-told">{words.cues}</h3>
          <CueList report={report} names={names} />
          <NoteList report={report} />
        </section>
        <TurnTakingPart report={report} names={names} />
        <SpokenPart report={report} names={names} token={token} />
        {!own && couple}
        <section class="limits">
          <h2>{words.limits}</h2>
          <ul>
            {report.limits
              .filter((limit) => limit !== NOT_A_DIAGNOSIS)
              .map((limit) => (
                <li key={limit}>{limit}</li>
              ))}
          </ul>
          <p class="standing">{NOT_A_DIAGNOSIS}</p>
        </section>
        <p class="row unprinted">
          <a class="button" href="/">
            {ended.again}
          </a>
          <button class="button" onClick={() => print()}>
            {words.print}
          </button>
        </p>
      </article>
    </Page>
  );
}

const NO_BREAK = "\u00a0";

function dateline(report: Report, names: Record<Partner, string>): string {
  const began = report.began_unix === null ? null : new Date(report.began_unix * 1_000);
  const day = began?.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
  const hour = began?.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" }).replace(/\s/, NO_BREAK);
  const who = `${names.a} and ${names.b}`;
  return [day && `${day}, ${hour}`, who, words.minutes(clock(report.duration_s))].filter(Boolean).join(" · ");
}

/** What was said around the chosen mark, where both agreed to words. */
function Beside({ mark, report }: { mark: Mark; report: Report }) {
  if (!report.spoken) return null;
  const quotes = around(report.spoken, mark.start, mark.end);
  return (
    <div class="said-around">
      <h3>{words.aroundMark}</h3>
      {quotes.length > 0 ? <Quotes quotes={quotes} names={namesOf(report.names)} /> : <p class="soft">{words.nothingAround}</p>}
    </div>
  );
}

function Strengths({ report }: { report: Report }) {
  if (report.strengths.length === 0) return <p>{words.noStrengths}</p>;
  return (
    <ul class="strengths">
      {inOrder(report.strengths).map(({ text }) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

/** As they happened, and then what went on all the while. */
export const inOrder = (strengths: Report["strengths"]): Report["strengths"] =>
  [...strengths].sort((x, y) => (x.at_s ?? Number.MAX_VALUE) - (y.at_s ?? Number.MAX_VALUE));

function MarkList({ picture }: { picture: Picture }) {
  if (picture.rail.length === 0) return null;
  return (
    <details class="fold unprinted">
      <summary>{words.list}</summary>
      <ol>
        {picture.rail.map((mark) => (
          <li key={mark.id}>{tell(mark, picture)}</li>
        ))}
      </ol>
    </details>
  );
}

function CouplePart({ report, names }: { report: Report; names: Record<Partner, string> }) {
  const { couple } = report;
  return (
    <section class="couple-part">
      <h2>{words.couple}</h2>
      <div class="columns">
        {PARTNERS.filter((by) => couple.strengths[by]).map((by) => (
          <div key={by}>
            <h3 class={`name-${by}`}>{names[by]}</h3>
            <p>{couple.strengths[by]}</p>
          </div>
        ))}
        {couple.shared_moment && (
          <div>
            <h3>{words.shared}</h3>
            <p>{couple.shared_moment}</p>
          </div>
        )}
      </div>
      {couple.one_thing && (
        <p class="one-thing">
          <span>{words.oneThing}</span>
          {couple.one_thing}
        </p>
      )}
    </section>
  );
}
