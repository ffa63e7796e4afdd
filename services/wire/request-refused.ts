// Why a request about a person is refused, each reason with what whoever asks can do.

import type { ErasureRefusal } from "./erasure.ts";
import type { StatementRefusal } from "./statement.ts";
import type { ExportRefusal } from "./subject-export.ts";

const ADVICE = {
  "unknown-namespace": "there is no such namespace: `weft config explain` prints how they are declared",
  "not-an-identifier": "no value of that namespace is written so",
  "unknown-identifier": "nobody is known by it: name her by another identifier",
  "held-apart": "several people claim it, so it is nobody's: name her by another identifier",
  "claimed-only": "only a claim ties it to her: name her by an identifier that the shop knows",
  "not-settled":
    "another home has not said yet whose something of hers is, or what it is called: ask again in a moment",
  "too-large": "more identifiers and orders than one request may hold: split off first what is not hers",
  "unknown-order": "no order of hers has this number: her profile lists them",
  "unknown-restriction": "no restriction of hers has this id: her profile lists those that stand",
  "id-taken": "another request has this id: send it under one of its own",
} as const satisfies Readonly<
  Record<StatementRefusal | ErasureRefusal | ExportRefusal | "unknown-order" | "id-taken", string>
>;

export type RequestRefusal = keyof typeof ADVICE;

export class RequestRefused extends Error {
  readonly code = "request-refused";

  constructor(reason: RequestRefusal) {
    super(describeRefusal(reason));
  }
}

/** The reason comes first, for programs. */
export function describeRefusal(reason: RequestRefusal): string {
  return `${reason}: ${ADVICE[reason]}`;
}
