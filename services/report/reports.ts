// The reports of passages by their names, as the command and the API offer them.

import { reportAttribution, reportFactors } from "./attribution.ts";
import type { Ledger, Selection } from "./ledger.ts";
import { reportMatrix } from "./matrix.ts";
import { reportCohorts, reportPaths } from "./paths.ts";
import { reportQuality } from "./quality.ts";
import type { Report, Sheet } from "./sheet.ts";

const REPORTS = {
  matrix: reportMatrix,
  factors: reportFactors,
  paths: reportPaths,
  attribution: reportAttribution,
  quality: reportQuality,
  cohorts: reportCohorts,
} as const satisfies Readonly<Record<string, Report>>;

export type ReportKind = keyof typeof REPORTS;
export const REPORT_KINDS = Object.keys(REPORTS) as ReportKind[];

export function writeReport(kind: ReportKind, ledger: Ledger, selection: Selection): readonly Sheet[] {
  return REPORTS[kind](ledger, selection);
}
