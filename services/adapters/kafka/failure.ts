// Kafka's errors in the port's three words. Total: an error that nobody foresaw keeps its outcome unknown where bytes
// were under way, and is thrown on where nothing was.

import { LogError } from "#ports/log.ts";

interface KafkaError {
  readonly type?: string;
  readonly name?: string;
  readonly cause?: unknown;
  readonly originalError?: unknown;
}

const FENCED = new Set([
  "INVALID_PRODUCER_EPOCH",
  "PRODUCER_FENCED",
  "INVALID_PRODUCER_ID_MAPPING",
  "FENCED_INSTANCE_ID",
]);
const UNREACHABLE = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSNumberOfRetriesExceeded",
  "KafkaJSNoBrokerAvailableError",
  "KafkaJSGroupCoordinatorNotFound",
  "KafkaJSLockTimeout",
  "KafkaJSTimeout",
]);
const PASSING = new Set([
  "CONCURRENT_TRANSACTIONS",
  "COORDINATOR_LOAD_IN_PROGRESS",
  "GROUP_LOAD_IN_PROGRESS",
  "COORDINATOR_NOT_AVAILABLE",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR",
  "NOT_COORDINATOR_FOR_GROUP",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "NETWORK_EXCEPTION",
  "REQUEST_TIMED_OUT",
]);

function* chain(error: unknown): Generator<KafkaError> {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 5; depth += 1) {
    yield at;
    const next = at as KafkaError;
    at = next.originalError ?? next.cause;
  }
}

export function isFenced(error: unknown): boolean {
  return [...chain(error)].some(({ type }) => type !== undefined && FENCED.has(type));
}

/** A coordinator that is loading, a transaction that is ending, a broker that is away. */
export function isPassing(error: unknown): boolean {
  return [...chain(error)].some(
    ({ type, name }) => (type !== undefined && PASSING.has(type)) || (name !== undefined && UNREACHABLE.has(name)),
  );
}

export function isConcurrentTransaction(error: unknown): boolean {
  return [...chain(error)].some(({ type }) => type === "CONCURRENT_TRANSACTIONS");
}

export function toLogError(error: unknown, sent: boolean): LogError {
  if (error instanceof LogError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (isFenced(error)) return new LogError("log-fenced", "another owner has taken the slot", { cause: error });
  return sent
    ? new LogError("log-outcome-unknown", message, { cause: error })
    : new LogError("log-unavailable", message, { cause: error });
}
