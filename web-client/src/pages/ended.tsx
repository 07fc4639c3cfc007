import { useEffect } from "preact/hooks";
import { keepInvitation } from "../live/kept";
import { Screen } from "../parts/page";
import { ended } from "../words";

export function EndedScreen({ report }: { report: string }) {
  useEffect(() => keepInvitation(null), []); // its links are used up: the start page begins anew
  return <Screen title={ended.title} body={ended.body} step={{ label: ended.report, href: `/report#${report}` }} />;
}
