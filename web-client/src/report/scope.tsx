import type { Partner } from "../protocol";
import { clock } from "../lanes/picture";
import { report as words } from "../words";
import type { Report } from "./types";

/** Consent and data quality come first: they say how far the rest can be trusted. */
export function Scope({ report, names }: { report: Report; names: Record<Partner, string> }) {
  const { consents, quality } = report.scope;
  const practised = [report.practised.card ?? words.card, clock(report.practised.done_s)];
  return (
    <section class="scope">
      <div>
        <h2>{words.scope}</h2>
        <ul>
          {consents.map((each) => (
            <li key={`${each.by}${each.at_s}${each.practice}${each.observer}`}>
              <span class={`name-${each.by}`}>{names[each.by]}</span>: {each.practice ? words.yesPractice : words.noPractice},{" "}
              {each.observer ? words.yesObserver : words.noObserver} <time>{clock(each.at_s)}</time>
            </li>
          ))}
          {quality.map((each) => (
            <li key={each.by}>
              <span class={`name-${each.by}`}>{names[each.by]}</span>: {words.heard(percent(each.heard_share))}
              {each.notes.map((note) => `; ${note}`)}
            </li>
          ))}
          <li>{words.notStored}</li>
        </ul>
      </div>
      <div>
        <h2>{words.practised}</h2>
        <p>{practised.join(", ")}</p>
      </div>
    </section>
  );
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
