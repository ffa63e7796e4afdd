// Cases (a complaint, a question): opened, updated and closed on any channel, told late, doubled or in any order. Of
// each kind of step the first and the last are kept; what they lead to in order of time is what all of them would.

import { compareText } from "./comparison.ts";
import type { ChannelEvent } from "./event.ts";
import { classedKey, compareTold, cutText, earlierOf, laterOf, listRegisters, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling, Told } from "./facet.ts";

export const CASES_MAX = 64;

/** In the order in which steps of one instant are taken. */
const CASE_STEPS = ["opened", "updated", "closed"] as const;
export type CaseStep = (typeof CASE_STEPS)[number];
export type CaseState = "none" | "open" | "closed" | "reopened";

/** Total: the compiler demands every cell. An update before any opening opens; a comment on a closed case leaves it closed. */
export const CASE_MOVES: Readonly<Record<CaseState, Readonly<Record<CaseStep, Exclude<CaseState, "none">>>>> = {
  none: { opened: "open", updated: "open", closed: "closed" },
  open: { opened: "open", updated: "open", closed: "closed" },
  closed: { opened: "reopened", updated: "closed", closed: "closed" },
  reopened: { opened: "reopened", updated: "reopened", closed: "closed" },
};

export interface CaseMark extends Told {
  readonly channel: string;
  readonly backfill: boolean;
}

interface CaseSpan {
  readonly first: CaseMark;
  readonly last: CaseMark;
}

export interface CaseRecord extends Readonly<Record<CaseStep, CaseSpan | null>> {
  /** The source, or the scope in which several sources number their cases together. */
  readonly scope: string;
  readonly caseId: string;
  readonly authenticated: boolean;
  readonly motive: (Told & { readonly value: string }) | null;
}

/** Case numbers grow, so those that sort last are the newest. */
export const CASE_RULES: RegisterRules<CaseRecord> = {
  join: (a, b) => ({
    ...a,
    opened: joinSpans(a.opened, b.opened),
    updated: joinSpans(a.updated, b.updated),
    closed: joinSpans(a.closed, b.closed),
    motive: laterOf(a.motive, b.motive),
  }),
  max: CASES_MAX,
  keep: "last",
  classed: true,
  limit: "cases",
};

function joinSpans(a: CaseSpan | null, b: CaseSpan | null): CaseSpan | null {
  if (a === null || b === null) return a ?? b;
  return { first: earlierOf(a.first, b.first), last: laterOf(a.last, b.last) };
}

export function caseKey({ authenticated, scope, caseId }: CaseRecord): string {
  return classedKey(authenticated, scope, caseId);
}

/** scope: of the case numbers of the event's source. */
export function readCases(telling: Telling, event: ChannelEvent, scope: string): Registers<CaseRecord> {
  const part = event.case;
  if (part === null || part === undefined || part.caseId === "") return NOTHING_TOLD;
  const { told, authenticated, backfill, limits } = telling;
  const mark = { ...told, channel: cutText(part.channel ?? telling.channel, limits), backfill };
  const motive = typeof part.motive === "string" && part.motive !== "" ? cutText(part.motive, limits) : null;
  const record: CaseRecord = {
    scope,
    caseId: cutText(part.caseId, limits),
    authenticated,
    opened: null,
    updated: null,
    closed: null,
    motive: motive === null ? null : { ...told, value: motive },
    [readStep(event.type, part.status ?? null)]: { first: mark, last: mark },
  };
  return new Map([[caseKey(record), record]]);
}

/** The type says it; of any other event that names a case its status does. */
function readStep(type: string, status: string | null): CaseStep {
  if (type === "case-opened") return "opened";
  if (type === "case-closed" || status === "closed") return "closed";
  return status === "open" ? "opened" : "updated";
}

export interface CaseView {
  readonly caseId: string;
  /** Of the earliest event that names it. */
  readonly source: string;
  readonly status: Exclude<CaseState, "none">;
  readonly motive: string | null;
  readonly channel: string;
  readonly openedAt: number;
  readonly closedAt: number | null;
  readonly closedOn: string | null;
}

/** The last closing of a case, while none is open. */
export interface Settlement {
  readonly at: number;
  readonly backfill: boolean;
  readonly source: string;
  readonly caseId: string;
}

/** A facet is what it was if it is the same. */
const settlements = new WeakMap<Registers<CaseRecord>, { readonly last: Settlement | null }>();

/** Null: no case was ever closed, or one is open. Of one instant what was not told as history. */
export function findSettlement(cases: Registers<CaseRecord>): Settlement | null {
  const known = settlements.get(cases);
  if (known !== undefined) return known.last;
  let last: Settlement | null = null;
  let isOpen = false;
  for (const record of listRegisters(cases)) {
    const { closing, view } = describeCase(record);
    if (view.status !== "closed") isOpen = true;
    if (closing === null || (last !== null && closing.at < last.at)) continue;
    if (last !== null && closing.at === last.at && !last.backfill) continue;
    last = { at: closing.at, backfill: closing.backfill, source: view.source, caseId: view.caseId };
  }
  if (isOpen) last = null;
  settlements.set(cases, { last });
  return last;
}

/** Open cases first, then by when something of them was told, the latest first (S88). */
export function viewCases(cases: Registers<CaseRecord>): CaseView[] {
  return listRegisters(cases)
    .map((record) => ({ ...describeCase(record), caseId: record.caseId }))
    .sort(
      (a, b) =>
        Number(a.view.status === "closed") - Number(b.view.status === "closed") ||
        compareTold(b.latest, a.latest) ||
        compareText(a.caseId, b.caseId),
    )
    .map(({ view }) => view);
}

function describeCase(record: CaseRecord): { view: CaseView; latest: CaseMark; closing: CaseMark | null } {
  const steps = CASE_STEPS.flatMap((step, order) => {
    const span = record[step];
    return span === null ? [] : [span.first, span.last].map((mark) => ({ step, order, mark }));
  }).sort((a, b) => a.mark.at - b.mark.at || a.order - b.order || compareTold(a.mark, b.mark));
  let state: CaseState = "none";
  for (const { step } of steps) state = CASE_MOVES[state][step];
  const marks = steps.map(({ mark }) => mark).sort(compareTold);
  const [earliest, latest] = [marks[0], marks.at(-1)];
  if (earliest === undefined || latest === undefined || state === "none") throw new Error("a case has a step");
  const opening = record.opened?.first ?? earliest;
  const closing = state === "closed" ? (record.closed?.last ?? null) : null;
  const view: CaseView = {
    caseId: record.caseId,
    source: earliest.source,
    status: state,
    motive: record.motive?.value ?? null,
    channel: opening.channel,
    openedAt: opening.at,
    closedAt: closing?.at ?? null,
    closedOn: closing?.channel ?? null,
  };
  return { view, latest, closing };
}
