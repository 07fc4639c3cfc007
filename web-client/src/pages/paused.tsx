import { useMemo } from "preact/hooks";
import { Heading, Page } from "../parts/page";
import { details, paused as words } from "../words";
import type { PartnerScreen } from "./join";

const PAUSE_MIN = 20; // a body needs about that long to settle
const ROUND_MIN = 5; // so that both devices name the same time

/** At least twenty minutes from now, as people say it: "8:40". */
export function returnTime(now: Date): string {
  const step = ROUND_MIN * 60_000;
  const back = new Date(Math.ceil((now.getTime() + PAUSE_MIN * 60_000) / step) * step);
  const parts = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" }).formatToParts(back);
  return parts
    .filter((part) => part.type !== "dayPeriod")
    .map((part) => part.value)
    .join("")
    .trim();
}

export function PausedScreen({ practice }: PartnerScreen) {
  const back = useMemo(() => returnTime(new Date()), []);
  const { session } = practice;
  return (
    <Page title={words.title}>
      <section class="screen centred">
        <Heading>{words.back(back)}</Heading>
        <p class="lead">{words.body}</p>
        <p class="soft">{words.nothing}</p>
        <p class="row">
          <button class="button main" onClick={() => session.send({ type: "resume" })}>
            {words.resume}
          </button>
          <button class="button" onClick={() => session.send({ type: "end" })}>
            {words.end}
          </button>
          <button class="button quiet" onClick={() => practice.withdraw()}>
            {details.withdraw}
          </button>
        </p>
      </section>
    </Page>
  );
}
