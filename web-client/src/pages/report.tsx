// The report: fetched by the token in the address, then one page.
import { useEffect, useState } from "preact/hooks";
import { readReport, refusalOf } from "../api";
import { readerOf } from "../live/kept";
import { Screen } from "../parts/page";
import { RefusedScreen } from "../parts/refused";
import type { Refusal } from "../protocol";
import type { Report } from "../report/types";
import { ReportView } from "../report/view";
import { report as words } from "../report/words";
import { trouble } from "../words";

export function ReportPage({ token: link }: { token: string }) {
  const token = readerOf(link);
  const [report, setReport] = useState<Report | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  useEffect(() => {
    readReport(token).then(setReport, (error: unknown) => setRefusal(refusalOf(error)));
  }, [token]);
  if (refusal) return <RefusedScreen refusal={refusal} token={token} />;
  if (!report) return <Screen title={words.opening} />;
  const spoken = report.lanes.some((lane) => lane.speech.length > 0);
  if (!spoken && report.duration_s < 1)
    return (
      <Screen title={words.emptyTitle} body={words.emptyBody} step={{ label: trouble.newPractice, href: "/" }} />
    );
  return <ReportView report={report} token={token} own={token !== link} />;
}
