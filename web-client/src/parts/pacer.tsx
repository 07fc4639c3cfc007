// One breath, in step on both screens: it is placed in session time, which both know.
import { useEffect, useMemo, useState } from "preact/hooks";
import { practise } from "../words";

export const BREATH_S = 10; // six a minute: 5 s in, 5 s out
const LEAD_S = 1.2; // from the decision to the breath: the words are read first, and a slow network has time

/** Seconds until the breath of a cue decided at `cueS` begins; below 0 where it has begun. */
export function untilBreath(cueS: number, nowS: number): number {
  const until = cueS + LEAD_S - nowS;
  return until > -BREATH_S && until <= 2 * LEAD_S ? until : 0; // no sense in session time: begin now, alone
}

export function Pacer({ untilS }: { untilS: number }) {
  const mounted = useMemo(() => performance.now(), []);
  const [word, setWord] = useState(untilS > 0 ? "" : untilS > -BREATH_S / 2 ? practise.in : practise.out);
  useEffect(() => {
    const gone = (performance.now() - mounted) / 1_000;
    const turns = [
      { text: practise.in, atS: untilS },
      { text: practise.out, atS: untilS + BREATH_S / 2 },
    ].filter(({ atS }) => atS > gone);
    const saying = turns.map(({ text, atS }) => setTimeout(() => setWord(text), (atS - gone) * 1_000));
    return () => saying.forEach(clearTimeout);
  }, []);
  return (
    <div class="pacer">
      <div class="pacer-shape" style={{ animationDelay: `${untilS}s` }} />
      <p class="pacer-word">{word}</p>
    </div>
  );
}
