import { PARTNERS } from "../lanes/picture";
import type { Partner } from "../protocol";
import { report as words } from "./words";
import type { Report, TurnTaking } from "./types";

const WIDTH = 320;
const HEIGHT = 18;
const TENTHS = 10; // a measure this rough is not told in percent
const LEAST_SCALE = 8; // turns: a single one must not fill the bar

/** Balance and direction, each with how far off the measure may be. */
export function TurnTakingPart({ report, names }: { report: Report; names: Record<Partner, string> }) {
  const rows = PARTNERS.flatMap((by) => report.turn_taking.filter((row) => row.by === by));
  if (rows.length === 0) return null;
  const most = Math.max(LEAST_SCALE, ...rows.map((row) => row.started_over_high));
  return (
    <section>
      <h2>{words.turns}</h2>
      <div class="columns">
        <Bars
          title={words.speaking}
          rows={rows}
          names={names}
          bar={(row) => [row.share * TENTHS, row.share_low * TENTHS, row.share_high * TENTHS]}
          scale={TENTHS}
        />
        <Bars
          title={words.startedOver}
          rows={rows}
          names={names}
          bar={(row) => [row.started_over, row.started_over_low, row.started_over_high]}
          scale={most}
        />
      </div>
      <p class="soft small">{words.turnsNote}</p>
    </section>
  );
}

interface BarsProps {
  title: string;
  rows: TurnTaking[];
  names: Record<Partner, string>;
  bar: (row: TurnTaking) => [value: number, low: number, high: number];
  scale: number; // the value of a full bar
}

function Bars({ title, rows, names, bar, scale }: BarsProps) {
  return (
    <div>
      <h3>{title}</h3>
      {rows.map((row) => {
        const [value, low, high] = bar(row);
        const x = (each: number) => (each / scale) * WIDTH;
        return (
          <div class="bar" key={row.by}>
            <p>
              <span class={`name-${row.by}`}>{names[row.by]}</span>{" "}
              {words.between(round(value), round(low), round(high))}
            </p>
            <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" class={`lane-${row.by}`} preserveAspectRatio="none">
              <rect class="track" width={WIDTH} height={HEIGHT} rx="4" />
              <rect class="speech" width={Math.max(2, x(value))} height={HEIGHT} rx="4" />
              <line class="whisker" x1={x(low)} x2={x(high)} y1={HEIGHT / 2} y2={HEIGHT / 2} />
            </svg>
          </div>
        );
      })}
    </div>
  );
}

const round = (value: number): string => String(Math.round(value));
