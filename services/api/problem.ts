// Every way in which the API says no: the closed list of codes, each with its status and what to do. One shape for all,
// RFC 9457. API.md shows the list to people; test/core/api-problems.test.ts holds the two together.

import * as z from "zod";

interface Kind {
  readonly status: number;
  readonly title: string;
  /** What whoever is told so can do. */
  readonly advice: string;
  /** Seconds after which asking again makes sense. */
  readonly retryAfter?: number;
}

export const PROBLEMS = {
  "malformed-request": { status: 400, title: "the request is not what the route takes", advice: "see `errors`" },
  unauthenticated: {
    status: 401,
    title: "no valid credential",
    advice: "send `Authorization: Bearer` with an API key (`weft api keys create`) or a token of the identity provider",
  },
  forbidden: { status: 403, title: "the credential has not the scope", advice: "ask for a role that has it" },
  "not-found": {
    status: 404,
    title: "nobody, or nobody that this credential may see",
    advice: "none: both look alike on purpose",
  },
  "no-such-route": { status: 404, title: "there is no such route", advice: "see /openapi.json" },
  "method-not-allowed": { status: 405, title: "the route is not asked so", advice: "see the header `Allow`" },
  "request-timeout": { status: 408, title: "the request did not come in time", advice: "send it faster" },
  "ruling-refused": { status: 409, title: "the ruling was refused", advice: "nothing was changed; see `detail`" },
  "request-refused": { status: 409, title: "the request was refused", advice: "nothing was changed; see `detail`" },
  "too-large": { status: 413, title: "the body is too large", advice: "see the limits in API.md" },
  "unsupported-media-type": {
    status: 415,
    title: "the body is not plain JSON",
    advice: "send application/json without Content-Encoding",
  },
  "too-many-requests": {
    status: 429,
    title: "more requests than the credential may send",
    advice: "wait as Retry-After says",
    retryAfter: 1,
  },
  "headers-too-large": { status: 431, title: "the headers are too large", advice: "send less than 16 KiB of them" },
  "internal-error": { status: 500, title: "a fault of Weft", advice: "the log has it under the request id" },
  "position-not-reached": {
    status: 503,
    title: "the position of `at-least` was not reached in time",
    advice: "ask again",
    retryAfter: 1,
  },
  "store-unavailable": { status: 503, title: "the store cannot be reached", advice: "ask again", retryAfter: 5 },
  "store-behind": {
    status: 503,
    title: "what the store has lost is being put back",
    advice: "ask again",
    retryAfter: 5,
  },
  "directory-behind": {
    status: 503,
    title: "the directory of names is being read",
    advice: "ask again",
    retryAfter: 5,
  },
  "passages-behind": {
    status: 503,
    title: "the transitions are being read",
    advice: "ask again",
    retryAfter: 5,
  },
  "log-unavailable": {
    status: 503,
    title: "the log cannot be reached",
    advice: "nothing was written; ask again",
    retryAfter: 5,
  },
  "outcome-unknown": {
    status: 503,
    title: "nobody knows whether the command was written",
    advice: "send it again with the same `id`: the engine drops what it has seen",
    retryAfter: 5,
  },
  "audit-unavailable": {
    status: 503,
    title: "the audit trail cannot be written",
    advice: "nothing was shown and nothing done; free the disk that api.auditFile is on, and start the API again",
    retryAfter: 60,
  },
  closing: {
    status: 503,
    title: "the process is being stopped",
    advice: "nothing was done; ask another one, or ask again",
    retryAfter: 1,
  },
  "too-many-streams": { status: 503, title: "too many live streams", advice: "close one", retryAfter: 30 },
  "too-many-exports": {
    status: 503,
    title: "too many exports are waiting or kept",
    advice: "ask again; each is kept for 15 minutes",
    retryAfter: 60,
  },
  "identity-provider-unavailable": {
    status: 503,
    title: "the keys of the identity provider cannot be read",
    advice: "ask again",
    retryAfter: 5,
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type ProblemCode = keyof typeof PROBLEMS;
export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];
export const PROBLEM_TYPE = "application/problem+json";

export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: "urn:weft:problem:<code>" }),
    title: z.string(),
    status: z.int(),
    code: z.enum(PROBLEM_CODES).meta({ description: "Stable; what programs branch on." }),
    detail: z.string().optional(),
    advice: z.string(),
    requestId: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem", description: "RFC 9457. Never holds a value of the request or of a person." });
export type Problem = z.output<typeof problemSchema>;

export interface ProblemDetails {
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly retryAfter?: number;
  /** Methods that the route has. */
  readonly allow?: readonly string[];
}

/** Thrown anywhere in a request, answered by the server. */
export class ApiProblem extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, details: ProblemDetails = {}, options: { cause?: unknown } = {}) {
    super(PROBLEMS[code].title, options);
    this.name = "ApiProblem";
    this.code = code;
    this.details = details;
  }
}

/** What of a request is not what the route takes, said without repeating it. */
export function refuse(path: string, message: string): ApiProblem {
  return new ApiProblem("malformed-request", { errors: [{ path, message }] });
}

export interface WrittenProblem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function writeProblem({ code, details }: ApiProblem, requestId: string): WrittenProblem {
  const kind: Kind = PROBLEMS[code];
  const { detail, errors, retryAfter = kind.retryAfter, allow } = details;
  const problem: Problem = {
    type: `urn:weft:problem:${code}`,
    title: kind.title,
    status: kind.status,
    code,
    ...(detail === undefined ? {} : { detail }),
    advice: kind.advice,
    requestId,
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
  const headers: Record<string, string> = { "content-type": PROBLEM_TYPE };
  if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter);
  if (allow !== undefined) headers["allow"] = allow.join(", ");
  if (code === "unauthenticated") headers["www-authenticate"] = 'Bearer realm="weft"';
  return { status: kind.status, headers, body: JSON.stringify(problem) };
}
