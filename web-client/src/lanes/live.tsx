// Live lanes: redrawn when lines come, moved every animation frame, and dragged to look back.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SessionClock } from "../live/clock";
import type { Partner } from "../protocol";
import { lanes as words, watch } from "../words";
import type { LineBook } from "./book";
import { Drawing } from "./drawing";
import { layoutFor } from "./layout";
import { clock as timeText } from "./picture";
import { useWidth } from "./width";

const NARROW_PX = 600;
const WINDOWS = [
  { below_px: NARROW_PX, s: 60 },
  { below_px: 1_000, s: 90 },
];
const LONGEST_S = 120;
const REDRAW_MS = 200;
const RIGHT_PX = 28; // so that now does not stick to the edge, and its label has room
const AHEAD_S = 5; // drawn beyond the right edge, so that moving never shows a seam
const KEY_STEP_S = 10;
const EDGE_PX = 56; // in which a label of the axis fades as it slides out

export function LiveLanes(props: { book: LineBook; clock: SessionClock; names: Record<Partner, string> }) {
  const frame = useRef<HTMLDivElement>(null);
  const moved = useRef<SVGGElement>(null);
  const playhead = useRef<SVGLineElement>(null);
  const [held, setHeld] = useState<number | null>(null); // session time at the right edge while looking back
  const drag = useRef<{ x: number; edge: number } | null>(null);
  const width = useWidth(frame);
  const windowS = WINDOWS.find((each) => width < each.below_px)?.s ?? LONGEST_S;
  const layout = useMemo(() => layoutFor(width < NARROW_PX), [width < NARROW_PX]);
  const right = width - RIGHT_PX;
  const pxPerS = right / windowS;
  const beat = useBeat(props.book);
  const now = props.clock.now(performance.now());
  const edge = rightEdge(now, held, windowS);
  const to = edge + AHEAD_S;
  const from = to - windowS - 2 * AHEAD_S;
  const picture = useMemo(
    () => props.book.picture(props.names, from, to, now),
    [props.book.version, props.names, beat, held, width],
  );

  useEffect(() => {
    let handle = 0;
    const move = () => {
      const current = props.clock.now(performance.now());
      const place = (x: number) => `translate(${x.toFixed(2)} 0)`;
      const right_s = rightEdge(current, held, windowS);
      moved.current?.setAttribute("transform", place(right - right_s * pxPerS));
      playhead.current?.setAttribute("transform", place(right - (right_s - current) * pxPerS));
      handle = requestAnimationFrame(move);
    };
    move();
    return () => cancelAnimationFrame(handle);
  }, [right, pxPerS, held, windowS, props.clock]);

  const look = (at: number) => setHeld(at >= now || now <= windowS ? null : Math.max(at, windowS));
  const keys = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") look(edge - KEY_STEP_S);
    else if (event.key === "ArrowRight") look(edge + KEY_STEP_S);
    else if (event.key === "End") look(now);
    else return;
    event.preventDefault();
  };
  return (
    <div
      class="lanes live"
      ref={frame}
      role="group"
      aria-label={watch.hint}
      tabIndex={0}
      onKeyDown={keys}
    >
      <svg
        width={width}
        height={layout.height}
        role="img"
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, edge };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => drag.current && look(drag.current.edge - (event.clientX - drag.current.x) / pxPerS)}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
        aria-label={words.summary(watch.title, timeText(Math.max(0, now)), picture.rail.length)}
      >
        <g ref={moved}>
          <Drawing picture={picture} layout={layout} pxPerS={pxPerS} from={from} to={to} />
        </g>
        <linearGradient id="axis-edge">
          <stop class="axis-edge" />
          <stop class="axis-edge" offset="1" stop-opacity="0" />
        </linearGradient>
        {edge > windowS && <rect fill="url(#axis-edge)" width={EDGE_PX} y={layout.axis - 15} height={20} />}
        <line ref={playhead} class="playhead" y1={8} y2={layout.axis - 16} />
        <Names names={props.names} a={layout.ribbon.a - 8} b={layout.ribbon.b - 8} />
      </svg>
      {held !== null && (
        <button class="button small to-now" onClick={() => setHeld(null)}>
          {watch.now}
        </button>
      )}
    </div>
  );
}

/** The lanes fill from the left, and move once they are full. */
function rightEdge(nowS: number, heldS: number | null, windowS: number): number {
  return heldS ?? Math.max(nowS, windowS);
}

export function Names(props: { names: Record<Partner, string>; a: number; b: number }) {
  return (
    <g class="names">
      <text class="name-a" x="8" y={props.a}>
        {props.names.a}
      </text>
      <text class="name-b" x="8" y={props.b}>
        {props.names.b}
      </text>
    </g>
  );
}

/** Counts up with every line that comes, and a few times a second: open blocks grow with it. */
function useBeat(book: LineBook): number {
  const [beat, setBeat] = useState(0);
  useEffect(() => {
    const count = () => setBeat((n) => n + 1);
    const handle = setInterval(count, REDRAW_MS);
    const unsubscribe = book.subscribe(count);
    return () => {
      clearInterval(handle);
      unsubscribe();
    };
  }, [book]);
  return beat;
}
