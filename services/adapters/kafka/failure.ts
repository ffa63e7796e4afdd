// Kafka's errors in the port's three words. Total: an error that nobody foresaw keeps its outcome unknown where bytes
// were under way, and is thrown on where nothing was.

import { LogError } from "#ports/log.ts";

interface KafkaError {
  /** Names an answer of the broker; those carry Kafka's own word on whether they pass. */
  readonly type?: string;
  readonly retriable?: boolean;
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
  "KafkaJSBrokerNotFound",
  "KafkaJSMetadataNotLoaded",
  "KafkaJSTopicMetadataNotLoaded",
  "KafkaJSStaleTopicMetadataAssignment",
  "KafkaJSFetcherRebalanceError",
  "KafkaJSGroupCoordinatorNotFound",
  "KafkaJSLockTimeout",
  "KafkaJSTimeout",
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
    ({ type, name, retriable }) => (type !== undefined && retriable === true) || UNREACHABLE.has(name ?? ""),
  );
}

export function isConcurrentTransaction(error: unknown): boolean {
  return [...chain(error)].some(({ type }) => type === "CONCURRENT_TRANSACTIONS");
}

/** isInDoubt: a commit was asked for, and its answer is missing. */
export function toLogError(error: unknown, isInDoubt: boolean): LogError {
  if (error instanceof LogError) return error;
  const message = error instanceof Error ? error.message : String(error);
  // A transaction that took too long is ended by the broker in the same way, and told apart by nothing.
  if (isFenced(error)) return new LogError("log-fenced", "another owner has taken the slot", { cause: error });
  return isInDoubt
    ? new LogError("log-outcome-unknown", message, { cause: error })
    : new LogError("log-unavailable", message, { cause: error });
}
