// Every route: how it is called, what it answers, who may call it and which problems it has. The server, the OpenAPI
// document, the typed client and the tests' role matrix are made of this list.

import * as z from "zod";
import { TRANSITION_NATURES } from "#core/effect.ts";
import { TIMELINE_RULES } from "#core/journey.ts";
import { OPERATOR_VERDICTS } from "#core/ruling.ts";
import { NOTE_TYPES } from "#services/wire/statement.ts";
import { RULES_LENGTH_MAX } from "#services/config/rules-text.ts";
import { REPORT_KINDS } from "#services/report/reports.ts";
import {
  appliedRulesAnswer,
  dueAnswer,
  erasureAnswer,
  explanationAnswer,
  exportAnswer,
  exportBegun,
  healthAnswer,
  profileAnswer,
  readinessAnswer,
  reportAnswer,
  rulesAnswer,
  rulingAnswer,
  searchAnswer,
  shardsAnswer,
  statementAnswer,
  transitionsAnswer,
} from "./answer.ts";
import type { ProblemCode } from "./problem.ts";
import type { Scope } from "./role.ts";
import {
  atLeast,
  commandId,
  correction,
  DUE_CURSOR,
  DUE_PAGE_MAX,
  identifier,
  PASSAGES_PAGE_MAX,
  NEXT,
  profileId,
  reason,
  searched,
  TIMELINE_CURSOR,
  TRANSITION_ID,
} from "./sent.ts";
import { agentAnswer, marketingAnswer, productAnswer, serviceAnswer, timelineAnswer } from "./view-answer.ts";

export interface RouteContract {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly summary: string;
  /** null: for everybody. */
  readonly scope: Scope | null;
  /** True: without the scope the answer is the one for nobody, so that nothing can be found out. */
  readonly isLookUp: boolean;
  /** True: it stands in the audit trail before anything is done, and what came of it before anything is answered. */
  readonly isCommand?: true;
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  readonly params?: z.ZodType;
  readonly status: number;
  readonly answer: z.ZodType;
  /** Beside those that every route has. */
  readonly problems: readonly ProblemCode[];
}

const SENDING = ["store-unavailable", "store-behind", "log-unavailable"] as const satisfies ProblemCode[];

const READING = [
  "not-found",
  "position-not-reached",
  "store-unavailable",
  "store-behind",
] as const satisfies ProblemCode[];

export const CONTRACT = {
  lookUp: {
    method: "POST",
    url: "/profiles/lookup",
    summary: "The profile that an identifier belongs to now",
    scope: "profile:read",
    isLookUp: true,
    body: identifier,
    query: atLeast,
    status: 200,
    answer: profileAnswer,
    problems: READING,
  },
  readProfile: {
    method: "GET",
    url: "/profiles/:id",
    summary: "The profile of an id; an old id leads, in one hop, to the profile that it went into",
    scope: "profile:read",
    isLookUp: true,
    params: z.strictObject({ id: profileId }),
    query: atLeast,
    status: 200,
    answer: profileAnswer,
    problems: READING,
  },
  search: {
    method: "POST",
    url: "/profiles/search",
    summary: "Who placed an order, has a loyalty card, or bears a name at a postcode: at most ten",
    scope: "profile:pii",
    isLookUp: true,
    body: searched,
    query: atLeast,
    status: 200,
    answer: searchAnswer,
    problems: [...READING, "directory-behind", "log-unavailable"],
  },
  viewCaller: {
    method: "POST",
    url: "/profiles/agent-view",
    summary: "Who is calling: everything an agent needs, by the caller's phone number",
    scope: "profile:read",
    isLookUp: true,
    body: z.strictObject({ phone: identifier.shape.value.meta({ examples: ["06 39 98 00 17"] }) }),
    query: atLeast,
    status: 200,
    answer: agentAnswer,
    problems: READING,
  },
  viewForMarketing: {
    method: "POST",
    url: "/profiles/marketing-view",
    summary: "What marketing needs of whom an identifier belongs to: consents, reach, pressure, tastes",
    scope: "profile:read",
    isLookUp: true,
    body: identifier,
    query: atLeast,
    status: 200,
    answer: marketingAnswer,
    problems: READING,
  },
  viewForService: {
    method: "POST",
    url: "/profiles/service-view",
    summary: "What service needs: open cases first, orders of every channel, what happened",
    scope: "profile:read",
    isLookUp: true,
    body: identifier,
    query: atLeast,
    status: 200,
    answer: serviceAnswer,
    problems: READING,
  },
  viewForProduct: {
    method: "POST",
    url: "/profiles/product-view",
    summary: "What product needs: what was bought, looked for and used, without who she is",
    scope: "profile:read",
    isLookUp: true,
    body: identifier,
    query: atLeast,
    status: 200,
    answer: productAnswer,
    problems: READING,
  },
  readTimeline: {
    method: "GET",
    url: "/profiles/:id/timeline",
    summary: "What happened to a profile, page by page, the latest first",
    scope: "profile:read",
    isLookUp: true,
    params: z.strictObject({ id: profileId }),
    query: atLeast.extend({
      limit: z.coerce.number().int().min(1).max(TIMELINE_RULES.max).optional().meta({ description: "Default: 20." }),
      before: z
        .string()
        .max(40)
        .regex(TIMELINE_CURSOR, NEXT)
        .optional()
        .meta({ description: "`next` of the page before." }),
    }),
    status: 200,
    answer: timelineAnswer,
    problems: READING,
  },
  readTransitions: {
    method: "GET",
    url: "/profiles/:id/transitions",
    summary: "The segments that a profile went through, the latest first: why, after how long, and what led there",
    scope: "profile:read",
    isLookUp: true,
    params: z.strictObject({ id: profileId }),
    query: atLeast.extend({
      limit: z.coerce.number().int().min(1).max(PASSAGES_PAGE_MAX).optional().meta({ description: "Default: 20." }),
      before: z
        .string()
        .max(64)
        .regex(TRANSITION_ID, NEXT)
        .optional()
        .meta({ description: "`next` of the page before." }),
    }),
    status: 200,
    answer: transitionsAnswer,
    problems: [...READING, "passages-behind", "log-unavailable"],
  },
  explain: {
    method: "POST",
    url: "/profiles/explain",
    summary: "Why an identifier's person is one person; with two: the chain between them, or why they are apart",
    scope: "profile:explain",
    isLookUp: true,
    body: z.strictObject({ identifiers: z.array(identifier).min(1).max(2) }),
    query: atLeast,
    status: 200,
    answer: explanationAnswer,
    problems: READING,
  },
  rule: {
    method: "POST",
    url: "/rulings",
    summary: "An operator's ruling about two identifiers, written to the log; its author is the credential's",
    scope: "ruling:write",
    isLookUp: false,
    isCommand: true,
    body: z.strictObject({
      id: commandId,
      verdict: z.enum(OPERATOR_VERDICTS).meta({
        description: "linked: one person. cut: their evidence does not count. apart: nor may other. lifted: undone.",
      }),
      identifiers: z.tuple([identifier, identifier]),
      reason,
    }),
    query: z.strictObject({}),
    status: 202,
    answer: rulingAnswer,
    problems: ["ruling-refused", ...SENDING],
  },
  note: {
    method: "POST",
    url: "/notes",
    summary: "A note about a person, or something that is to be done for her, written to the log with its author",
    scope: "note:write",
    isLookUp: false,
    isCommand: true,
    body: z.strictObject({
      id: commandId,
      identifier,
      type: z.enum(NOTE_TYPES).default("note-added"),
      orderId: identifier.shape.value
        .optional()
        .meta({ description: "Which of her orders it is about: it stands in the text." }),
      text: z.string().min(1).max(400),
    }),
    query: z.strictObject({}),
    status: 202,
    answer: statementAnswer,
    problems: ["request-refused", ...SENDING],
  },
  correct: {
    method: "POST",
    url: "/privacy/corrections",
    summary: "A person's consent, objection, restriction, or correction of what is kept of her",
    scope: "privacy:write",
    isLookUp: false,
    isCommand: true,
    body: z.strictObject({ id: commandId, identifier, correction, reason }),
    query: z.strictObject({}),
    status: 202,
    answer: statementAnswer,
    problems: ["request-refused", ...SENDING],
  },
  erase: {
    method: "POST",
    url: "/privacy/erasures",
    summary: "Forgets a person, whatever is replayed or comes late; waits for it as `?at-least=` does",
    scope: "privacy:write",
    isLookUp: false,
    isCommand: true,
    body: z.strictObject({
      id: commandId,
      identifier,
      reason: reason.meta({
        description: "The request's number or cause, nothing of the person: it is kept for ever.",
      }),
    }),
    query: z.strictObject({}),
    status: 202,
    answer: erasureAnswer,
    problems: ["request-refused", ...SENDING],
  },
  exportPerson: {
    method: "POST",
    url: "/privacy/exports",
    summary: "All that is kept of a person, for herself: begins to gather it, for its author to fetch",
    scope: "privacy:write",
    isLookUp: false,
    isCommand: true,
    body: z.strictObject({ id: commandId, identifier }),
    query: z.strictObject({}),
    status: 202,
    answer: exportBegun,
    problems: ["request-refused", "store-unavailable", "store-behind", "log-unavailable", "too-many-exports"],
  },
  readExport: {
    method: "GET",
    url: "/privacy/exports/:id",
    summary: "What was gathered, or how far that is: JSON, or with `?as=csv` tables",
    scope: "privacy:write",
    isLookUp: true,
    params: z.strictObject({ id: z.uuid() }),
    query: z.strictObject({ as: z.enum(["json", "csv"]).optional().meta({ description: "Default: json." }) }),
    status: 200,
    answer: exportAnswer,
    problems: ["not-found", "store-unavailable", "store-behind"],
  },
  listDue: {
    method: "GET",
    url: "/privacy/due",
    summary: "Who may not be kept any longer by the rules of `retention`, page by page, as of the log's time",
    scope: "privacy:write",
    isLookUp: false,
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(DUE_PAGE_MAX).optional().meta({ description: "Default: 500." }),
      from: z.string().regex(DUE_CURSOR, NEXT).optional().meta({ description: "`next` of the page before." }),
    }),
    status: 200,
    answer: dueAnswer,
    problems: ["store-unavailable", "store-behind"],
  },
  readRules: {
    method: "GET",
    url: "/rules",
    summary: "The rules in force, who put them there, and how many shards have come to them",
    scope: "profile:read",
    isLookUp: false,
    query: z.strictObject({}),
    status: 200,
    answer: rulesAnswer,
    problems: ["not-found", "store-unavailable", "store-behind", "log-unavailable"],
  },
  applyRules: {
    method: "POST",
    url: "/rules",
    summary: "Puts a rules file in force, as a record of the log; its author is the credential's",
    scope: "rules:write",
    isLookUp: false,
    isCommand: true,
    body: z.strictObject({
      file: z.string().min(1).max(RULES_LENGTH_MAX).meta({ description: "The text of the rules file, YAML or JSON." }),
      reason,
    }),
    query: z.strictObject({}),
    status: 202,
    answer: appliedRulesAnswer,
    problems: ["request-refused", "log-unavailable"],
  },
  readReport: {
    method: "GET",
    url: "/reports/:kind",
    summary: "What all transitions add up to, as `weft report` says it",
    scope: "profile:read",
    isLookUp: false,
    params: z.strictObject({ kind: z.enum(REPORT_KINDS) }),
    query: z.strictObject({
      since: z.iso.date().optional().meta({ description: "First day (UTC)." }),
      until: z.iso.date().optional().meta({ description: "Last day (UTC)." }),
      nature: z.enum(TRANSITION_NATURES).optional().meta({ description: "Of these alone." }),
    }),
    status: 200,
    answer: reportAnswer,
    problems: ["passages-behind", "log-unavailable"],
  },
  readShards: {
    method: "GET",
    url: "/shards",
    summary: "Where each shard stands",
    scope: "admin",
    isLookUp: false,
    query: z.strictObject({}),
    status: 200,
    answer: shardsAnswer,
    problems: ["store-unavailable"],
  },
  readHealth: {
    method: "GET",
    url: "/health",
    summary: "Whether the process lives",
    scope: null,
    isLookUp: false,
    status: 200,
    answer: healthAnswer,
    problems: [],
  },
  readReadiness: {
    method: "GET",
    url: "/ready",
    summary: "Whether every shard is served",
    scope: null,
    isLookUp: false,
    status: 200,
    answer: readinessAnswer,
    problems: ["store-unavailable", "store-behind"],
  },
} as const satisfies Readonly<Record<string, RouteContract>>;

export type RouteName = keyof typeof CONTRACT;
export const ROUTE_NAMES = Object.keys(CONTRACT) as RouteName[];

/** The live stream: no JSON answer, so it stands apart. */
export const CHANGES = {
  method: "GET",
  url: "/changes",
  summary: "Changes of profiles as they happen (text/event-stream); goes on after Last-Event-ID",
  scope: "profile:read",
  query: z.strictObject({
    profileId: profileId.optional().meta({
      description: "Only what is about this profile, or the one that it went into.",
    }),
  }),
  problems: [...READING, "audit-unavailable", "log-unavailable", "too-many-streams"],
} as const;

/** What any authenticated route may answer beside its own. */
export const SHARED_PROBLEMS = [
  "closing",
  "malformed-request",
  "unauthenticated",
  "too-many-requests",
  "internal-error",
] as const satisfies ProblemCode[];

export function listProblems({ scope, isLookUp, isCommand, body, problems }: RouteContract): ProblemCode[] {
  const access: readonly ProblemCode[] =
    scope === null
      ? ["closing"]
      : [...SHARED_PROBLEMS, "identity-provider-unavailable", ...(isLookUp ? [] : ["forbidden" as const])];
  const sending: readonly ProblemCode[] =
    body === undefined ? [] : ["too-large", "unsupported-media-type", "request-timeout"];
  const auditing: readonly ProblemCode[] = [
    ...(isLookUp || isCommand === true ? ["audit-unavailable" as const] : []),
    ...(isCommand === true ? ["outcome-unknown" as const] : []),
  ];
  return [...new Set([...access, ...sending, ...auditing, ...problems])];
}
