import { PARTNERS } from "../lanes/picture";
import type { Partner } from "../protocol";
import { report as words } from "../words";
import type { Report, TurnTaking } from "./types";

const WIDTH = 320;
const HEIGHT = 18;

/** Balance and direction, each with how far off the measure may be. */
export function TurnTakingPart({ report, names }: { report: Report; names: Record<Partner, string> }) {
  const rows = PARTNERS.flatMap((by) => report.turn_taking.filter((row) => row.by === by));
  if (rows.length === 0) return null;
  const most = Math.max(4, ...rows.map((row) => row.started_over_high));
  return (
    <section class="whole">
      <h2>{words.turns}</h2>
      <div class="columns">
        <Bars title={words.speaking} rows={rows} names={names} bar={(row) => [row.share, row.share_low, row.share_high]} />
        <Bars
          title={words.startedOver}
          rows={rows}
          names={names}
          bar={(row) => [row.started_over / most, row.started_over_low / most, row.started_over_high / most]}
          label={(row) => `${round(row.started_over)} (${round(row.started_over_low)} to ${round(row.started_over_high)})`}
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
  label?: (row: TurnTaking) => string;
}

function Bars({ title, rows, names, bar, label }: BarsProps) {
  return (
    <div>
      <h3>{title}</h3>
      {rows.map((row) => {
        const [value, low, high] = bar(row);
        const text = label?.(row) ?? `${part(value)} (${part(low)} to ${part(high)})`;
        return (
          <div class="bar" key={row.by}>
            <p>
              <span class={`name-${row.by}`}>{names[row.by]}</span> {text}
            </p>
            <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" class={`lane lane-${row.by}`} preserveAspectRatio="none">
              <rect class="track" width={WIDTH} height={HEIGHT} rx="4" />
              <rect class="speech" width={Math.max(2, value * WIDTH)} height={HEIGHT} rx="4" />
              <line class="whisker" x1={low * WIDTH} x2={high * WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} />
            </svg>
          </div>
        );
      })}
    </div>
  );
}

const round = (value: number): string => String(Math.round(value));

/** Shares in tenths of the time: a measure this rough is not told in percent. */
const part = (share: number): string => `${Math.round(share * 10)} tenths`;
