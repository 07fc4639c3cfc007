import { Screen } from "../parts/page";
import { ended } from "../words";

export function EndedScreen({ report }: { report: string }) {
  return <Screen title={ended.title} body={ended.body} step={{ label: ended.report, href: `/report#${report}` }} />;
}
