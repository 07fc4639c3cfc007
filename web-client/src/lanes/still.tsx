// The report's lanes: the whole conversation in one picture, with one mark at a time told in words.
import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { report as reportWords } from "../report/words";
import { lanes as words } from "../words";
import { Drawing } from "./drawing";
import { layoutFor } from "./layout";
import { Names } from "./live";
import { clock, type Mark, type Picture } from "./picture";
import { useWidth } from "./width";

const NARROW_PX = 600;
const MIN_PX_PER_S = 2.5; // below this, blocks melt into one another: scroll instead
const EDGE_S = 1;

export function StillLanes(props: { picture: Picture; duration: number; beside?: (mark: Mark) => ComponentChildren }) {
  const { picture, duration } = props;
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const [chosen, setChosen] = useState<string | null>(null);
  const layout = useMemo(() => layoutFor(width < NARROW_PX), [width < NARROW_PX]);
  const whole = duration + EDGE_S;
  const pxPerS = Math.max(width / whole, MIN_PX_PER_S);
  const drawn = whole * pxPerS;
  const mark = picture.rail.find((each) => each.id === chosen);
  const wide = drawn > width + 1;
  return (
    <figure class="lanes still">
      <div class="scroll" ref={frame} {...(wide ? { tabIndex: 0, role: "region", "aria-label": reportWords.picture } : {})}>
        <svg
          width={drawn}
          height={layout.height}
          viewBox={`0 0 ${drawn} ${layout.height}`}
          role="img"
          aria-label={words.summary(reportWords.picture, clock(duration), picture.rail.length)}
        >
          <Drawing picture={picture} layout={layout} pxPerS={pxPerS} from={0} to={whole} chosen={chosen} onChoose={setChosen} />
          <Names names={picture.names} a={layout.ribbon.a - 8} b={layout.ribbon.b - 8} />
        </svg>
      </div>
      <Teller picture={picture} chosen={chosen} choose={setChosen} />
      {mark && props.beside?.(mark)}
    </figure>
  );
}

function Teller(props: { picture: Picture; chosen: string | null; choose: (id: string) => void }) {
  const { rail } = props.picture;
  const at = rail.findIndex((mark) => mark.id === props.chosen);
  const mark = rail[at];
  const go = (step: number) => {
    const next = rail[at < 0 ? 0 : (at + step + rail.length) % rail.length];
    if (next) props.choose(next.id);
  };
  if (rail.length === 0) return null;
  return (
    <figcaption class="teller">
      <button class="button small" onClick={() => go(-1)}>
        {reportWords.previous}
      </button>
      <p aria-live="polite">{mark ? tell(mark, props.picture) : reportWords.choose}</p>
      <button class="button small" onClick={() => go(1)}>
        {reportWords.next}
      </button>
    </figcaption>
  );
}

/** "1:23. Took the turn: Ana, while Ben was speaking." */
export function tell(mark: Mark, picture: Picture): string {
  const who = mark.by && mark.group === "overlap" ? `: ${picture.names[mark.by]}` : "";
  const what = mark.group === "cue" && mark.text ? `“${mark.text}”` : mark.group === "note" ? `${mark.label}: “${mark.text ?? ""}”` : mark.label;
  return `${clock(mark.start)}. ${what}${who}`;
}
