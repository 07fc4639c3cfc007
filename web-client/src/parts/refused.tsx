// Every refusal of the gateway as a screen: what it is, why, and one way out.
import { useEffect } from "preact/hooks";
import { keepInvitation } from "../live/kept";
import type { Refusal } from "../protocol";
import { refusalTitle } from "../refusal_titles";
import { trouble } from "../words";
import { Screen, type Step } from "./page";

export function RefusedScreen({ refusal, token }: { refusal: Refusal; token: string }) {
  useEffect(() => {
    if (USED_UP.has(refusal.code)) keepInvitation(null);
  }, [refusal.code]);
  const title = refusalTitle(refusal.code);
  return (
    <Screen title={title} step={wayOut(refusal.code, token)}>
      {refusal.message !== `${title}.` && <p>{refusal.message}</p>}
      {refusal.way_out && <p class="soft">{refusal.way_out}</p>}
    </Screen>
  );
}

const USED_UP = new Set(["session_ended", "unknown_link", "link_in_use"]);

export function wayOut(code: string, token: string): Step {
  switch (code) {
    case "session_ended":
      return { label: trouble.report, href: `/report#${token}` };
    case "report_link":
      return { label: trouble.rightPage, href: `/report#${token}` };
    case "no_link":
    case "unknown_link":
    case "bad_origin":
    case "no_demo":
      return { label: trouble.home, href: "/" };
    case "link_in_use":
      return { label: trouble.newPractice, href: "/" };
    default:
      return { label: trouble.reload, press: () => location.reload() };
  }
}

export function LostScreen() {
  return (
    <Screen title={trouble.lostTitle} body={trouble.lostBody} step={{ label: trouble.reload, press: () => location.reload() }} />
  );
}
