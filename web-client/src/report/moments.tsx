import { report as words } from "./words";
import type { Moment } from "./types";

export function MomentList({ moments }: { moments: Moment[] }) {
  if (moments.length === 0) return <p>{words.noMoments}</p>;
  return (
    <div class="columns">
      {moments.map((moment) => (
        <div class="moment-card" key={moment.title + moment.start_s}>
          <h3>{moment.title}</h3>
          <dl>
            {parts(moment).map(([term, text]) => (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </div>
      ))}
    </div>
  );
}

function parts(moment: Moment): [string, string][] {
  const all: [string, string | null][] = [
    [words.trigger, moment.trigger],
    [words.rise, moment.rise],
    [words.cue, moment.cue],
    [words.recovery, moment.recovery],
  ];
  return all.filter((part): part is [string, string] => Boolean(part[1]));
}
