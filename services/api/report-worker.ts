// The thread in which a report is written: it reads the file that the process keeps, and answers with the sheets.

import { parentPort, workerData } from "node:worker_threads";
import { Ledger, type Selection } from "#services/report/ledger.ts";
import { type ReportKind, writeReport } from "#services/report/reports.ts";

export interface ReportOrder {
  readonly file: string;
  readonly kind: ReportKind;
  readonly selection: Selection;
}

const { file, kind, selection } = workerData as ReportOrder;
const ledger = new Ledger(file);
try {
  parentPort?.postMessage(writeReport(kind, ledger, selection), []);
} finally {
  ledger.close();
}
