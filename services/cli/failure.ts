// What goes wrong, said once: a stable code, one line, what to do. A stack only with WEFT_DEBUG, because it helps
// nobody who did not write it.

import { CommanderError } from "commander";
import { ConfigurationError, type Problem, type ProblemCode } from "#services/config/problem.ts";

export const EXIT = { done: 0, failed: 1, wrongUsage: 2, inputRefused: 3 } as const;

/** The command line asks for something that makes no sense; exit code 2. */
export class UsageError extends Error {
  readonly code = "wrong-usage";
}

/** What to do about a code; codes that need no advice beyond their message are not here. */
/** The keys that say where the services are. */
export const WHERE = {
  kafka: "kafka.brokers (or WEFT_KAFKA_BROKERS) says",
  registry: "registry.url (or WEFT_REGISTRY_URL) says",
  redis: "redis.url (or WEFT_REDIS_URL) says, and redis.clusterNodes if it is a cluster",
} as const;

const ADVICE: Readonly<Record<string, string>> = {
  "log-unavailable": `check that Kafka runs where ${WHERE.kafka}, and that the topics exist: \`weft topics create\`; --timeout waits longer`,
  "no-topic": "`weft topics` prints the names, `weft topics create` makes what is missing",
  "no-fold": "--from names a folder that `weft fold --out` has written",
  "log-outcome-unknown":
    "some records may have been written; make sure that the topics exist (`weft topics create`) and run the command again, the engine drops what it has already seen",
  "rules-differ":
    "`weft rules show` prints what is in force; `weft rules apply` puts the file's in force, or give back the former file",
  "rules-refused": "nothing was changed; `weft rules check` explains a file",
  "configuration-differs":
    "give back the former files, or, save for the identity key and the layout, `weft rules apply` takes these from here on; what was folded before is not folded anew",
  "request-refused": "nothing was changed",
  "ruling-refused": "nothing was changed; `weft explain` shows how the two stand",
  "positions-lost":
    "Kafka forgets the positions of a group that has had no member for offsets.retention.minutes; with some given back, start again",
  "registry-unavailable": `check that the schema registry runs where ${WHERE.registry}`,
  "store-behind":
    "a running `weft up` or `weft stitch` brings it there from the log; ask again then (with --embedded, once that has stopped)",
  "store-damaged": "Redis has lost a part of the state: a running `weft stitch` notices and folds the shard anew",
  "unregistered-topic":
    "declare the source with its contract, or name the topic under kafka.ignoredTopics; `weft config explain` prints the keys",
  "unsafe-log": "mend the topics (`kafka-configs`, `kafka-reassign-partitions`), then start again",
  "unsafe-store": "mend the setting (`CONFIG SET`, and the file that Redis starts with), then start again",
  "store-unavailable": `check that Redis runs where ${WHERE.redis}; --timeout waits longer`,
  "insecure-listen":
    "give api.tls a certificate and its key, the admin surface admin.tls and admin.tokenFile, or listen on 127.0.0.1; --dev listens in the clear",
  "admin-token-unusable": "`openssl rand -hex 32 > admin.token`, and name it as admin.tokenFile",
  "insecure-transport":
    "`weft config explain` prints the keys; `weft --dev` does without, where nobody's data is at stake",
  "log-untrusted": "check kafka.tls.ca, the broker's certificate and name, kafka.username and its password",
  "audit-broken": "keep the file as it is: somebody has changed it; give api.auditFile another name to go on",
  "file-in-use":
    "give each `weft api` of this folder an api.auditFile, api.directoryFile and api.passagesFile of its own",
  "tls-unreadable": "api.tls and admin.tls name a PEM file each for the certificate and its private key",
  "api-keys-unreadable": "mend or remove the file (api.keysFile); `weft api keys create` makes another",
  "schema-refused": "the registry holds another schema under this subject; register ours, or set registry.autoRegister",
  "file-header-mismatch": "compare the header of the file with `columns` of the mapping",
  "file-mapping-unclear": "declare a mapping under the source in weft.yaml, or name the source with --source",
};

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly advice: string | undefined;
  readonly exitCode: number;
}

export function describeFailure(error: unknown): Failure {
  if (error instanceof CommanderError) return describeFailure(new UsageError(wordUsage(error)));
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError)
    return { code: error.code, message, advice: "see weft <verb> --help", exitCode: EXIT.wrongUsage };
  if (isSystemError(error))
    return {
      code: "file-unusable",
      message: `${error.path}: ${SYSTEM_TEXTS[error.code] ?? message}`,
      advice: undefined,
      exitCode: EXIT.failed,
    };
  if (error instanceof ConfigurationError)
    return { code: error.code, message, advice: adviseOn(error.problems), exitCode: EXIT.failed };
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unexpected";
  const advice = code === "unexpected" ? "this is a fault of Weft; WEFT_DEBUG=1 shows where" : ADVICE[code];
  return { code, message, advice, exitCode: EXIT.failed };
}

const ABOUT_RULES: readonly ProblemCode[] = ["rule-syntax", "rule-type", "rule-cost", "rule-fails", "rule-order"];

/** Keys can be looked up; what a rule may ask, and where a file is, cannot be read off them. */
function adviseOn(problems: readonly Problem[]): string {
  if (problems.every(({ code }) => code === "file-unreadable")) return "check the path, and that this user may read it";
  const rules = problems.find(({ code }) => ABOUT_RULES.includes(code));
  const isAboutKeys = problems.some(({ code }) => !ABOUT_RULES.includes(code) && code !== "yaml-syntax");
  return [
    "mend the lines named above",
    ...(isAboutKeys ? ["`weft config explain` prints every key"] : []),
    ...(rules === undefined
      ? []
      : [
          `services/core/SPEC.md, section 4, has what a rule may ask, and \`weft rules check ${rules.file}\` looks again`,
        ]),
  ].join("; ");
}

/** What a file of the operator's, of any option or key, may come to; the others keep the system's words. */
const SYSTEM_TEXTS: Readonly<Record<string, string>> = {
  EACCES: "it may not be written or read by this user",
  EEXIST: "it is a file, and a folder is needed",
  EISDIR: "it is a folder, and a file is needed",
  ENOENT: "there is no such file or folder",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is a file, and a folder is needed",
  EROFS: "the disk may only be read",
};

function isSystemError(error: unknown): error is Error & { readonly code: string; readonly path: string } {
  if (!(error instanceof Error) || !("syscall" in error)) return false;
  const { code, path } = error as NodeJS.ErrnoException;
  return typeof code === "string" && typeof path === "string";
}

/** On one line, and without what was given too much: an identifier may be among it. */
function wordUsage({ message }: CommanderError): string {
  return message
    .replace(/^error: /, "")
    .replace(/\. (Expected \d+ arguments? but got \d+): [^]*$/, ". $1")
    .replace(/^(unknown option '[^'=]+)=[^]*?'(\n|$)/, "$1'$2")
    .replace(/\n\(Did you mean one of (.+)\?\)$/, " (did you mean one of $1?)")
    .replace(/\n\(Did you mean (.+)\?\)$/, ' (did you mean "$1"?)');
}

/** Writes to standard error and returns the exit code. */
export function reportFailure(error: unknown, json: boolean): number {
  const { code, message, advice, exitCode } = describeFailure(error);
  if (json) {
    const problems = error instanceof ConfigurationError ? error.problems : undefined;
    const text = problems === undefined ? message : countOf(problems.length, "problem");
    process.stderr.write(`${JSON.stringify({ error: { code, message: text, advice, problems } })}\n`);
  } else if (error instanceof ConfigurationError) {
    process.stderr.write(`${message}\n${code}: ${countOf(error.problems.length, "problem")}; ${advice}\n`);
  } else process.stderr.write(`${code}: ${message}${advice === undefined ? "" : `; ${advice}`}\n`);
  if (process.env["WEFT_DEBUG"] && error instanceof Error)
    process.stderr.write(`${error.stack ?? ""}\n${describeCause(error.cause)}`);
  return exitCode;
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? `caused by ${cause.stack ?? cause.message}\n` : "";
}
