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
  const picture = pictureOf(report);
  const scope = <Scope report={report} names={names} />;
  const later = own && report.scope.quality.every((each) => each.heard_share >= WELL_HEARD);
  return (
    <Page wide title={words.title} foot={false}>
      <article class="report">
        <header class="report-head">
          <Heading>{words.title}</Heading>
          <p class="soft">{dateline(report, names)}</p>
        </header>
        {own && <CouplePart report={report} />}
        {!later && scope}
        <Strengths report={report} own={own} />
        <section>
          <h2>{words.picture}</h2>
          <StillLanes picture={picture} duration={report.duration_s} beside={(mark) => <Beside mark={mark} report={report} />} />
          <details class="fold unprinted">
            <summary>{watch.legend}</summary>
            <Legend picture={picture} />
          </details>
          <MarkList picture={picture} />
        </section>
        <section>
          <h2>{words.moments}</h2>
          <MomentList moments={report.moments} />
          <CueList report={report} names={names} own={own} />
          <NoteList report={report} />
        </section>
        <TurnTakingPart report={report} names={names} />
        <SpokenPart report={report} names={names} token={token} />
        {later && scope}
        {!own && <CouplePart report={report} told={report.strengths.map(({ text }) => text)} />}
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

const WELL_HEARD = 0.8; // as coach/report.py's LITTLE_HEARD: with less, partners too read first how far the rest can be trusted
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

/** What went well; on a partner's page what is not yet told above, in the part for the two. */
function Strengths({ report, own }: { report: Report; own: boolean }) {
  const told = own ? [...Object.values(report.couple.strengths), report.couple.shared_moment] : [];
  const rest = report.strengths.filter(({ text }) => !told.includes(text));
  if (own && rest.length === 0) return null;
  return (
    <section>
      <h2>{own ? words.strengthsToo : words.strengths}</h2>
      {rest.length === 0 && <p>{words.noStrengths}</p>}
      <ul class="strengths">
        {rest.map(({ text }) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </section>
  );
}

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

/** One strength each, a moment, one thing to try: what is `told` already is not told again. */
function CouplePart({ report: { couple }, told = [] }: { report: Report; told?: string[] }) {
  const parts = [...PARTNERS.map((by) => couple.strengths[by]), couple.shared_moment];
  const untold = parts.filter((text) => text && !told.includes(text));
  return (
    <section class="couple-part">
      <h2>{words.couple}</h2>
      {untold.length > 0 && (
        <div class="columns">
          {untold.map((text) => (
            <p key={text}>{text}</p>
          ))}
        </div>
      )}
      {couple.one_thing && (
        <p class="one-thing">
          <span>{words.oneThing}</span>
          {couple.one_thing}
        </p>
      )}
    </section>
  );
}
