// Kafka's errors in the port's three words. Total: an error that nobody foresaw keeps its outcome unknown where bytes
// were under way, and is thrown on where nothing was.

import { LogError } from "#ports/log.ts";

interface KafkaError {
  readonly type?: string;
  readonly name?: string;
  readonly message?: string;
  /** Of the socket. */
  readonly code?: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
  readonly originalError?: unknown;
}

/** Not INVALID_PRODUCER_ID_MAPPING: a slot that published nothing for a week is forgotten, and may take over again. */
const FENCED = new Set(["INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"]);
const UNREACHABLE = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSNoBrokerAvailableError",
  "KafkaJSBrokerNotFound",
  "KafkaJSGroupCoordinatorNotFound",
  "KafkaJSMetadataNotLoaded",
  "KafkaJSTopicMetadataNotLoaded",
  "KafkaJSLockTimeout",
  "KafkaJSTimeout",
]);

/** Besides those that kafkajs calls retriable. */
const PASSING = new Set([
  "CONCURRENT_TRANSACTIONS",
  "COORDINATOR_LOAD_IN_PROGRESS",
  "COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "NOT_CONTROLLER",
  "BROKER_NOT_AVAILABLE",
  "NETWORK_EXCEPTION",
]);
/** The one word of kafkajs for a broker away that is a bare Error: the connection went between being found and being used. */
const NOT_CONNECTED = "Broker not connected";
const UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PARTITION";

function* readChain(error: unknown): Generator<KafkaError> {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 6; depth += 1) {
    yield at;
    const next = at as KafkaError;
    at = next.originalError ?? next.cause;
  }
}

function hasType(error: unknown, isWanted: (type: string) => boolean): boolean {
  return [...readChain(error)].some(({ type }) => type !== undefined && isWanted(type));
}

export function isFenced(error: unknown): boolean {
  return hasType(error, (type) => FENCED.has(type));
}

/** A coordinator that is loading, a transaction that is ending, a broker that is away. */
export function isPassing(error: unknown): boolean {
  return [...readChain(error)].some(
    ({ type, name, message, retriable }) =>
      (type !== undefined && type !== UNKNOWN_TOPIC && (retriable === true || PASSING.has(type))) ||
      (name !== undefined && UNREACHABLE.has(name)) ||
      message === NOT_CONNECTED,
  );
}

export function isConcurrentTransaction(error: unknown): boolean {
  return hasType(error, (type) => type === "CONCURRENT_TRANSACTIONS");
}

export function isUnknownTopic(error: unknown): boolean {
  return hasType(error, (type) => type === UNKNOWN_TOPIC);
}

const CERTIFICATE = /^(CERT_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|ERR_TLS_|HOSTNAME_MISMATCH|ERR_SSL_)/;

/** Their certificate does not convince us, or our name and password not them. */
export function isDistrust(error: unknown): boolean {
  return [...readChain(error)].some(
    ({ name, code }) => name === "KafkaJSSASLAuthenticationError" || (code !== undefined && CERTIFICATE.test(code)),
  );
}

/** The first bytes were not what the other expected, or it is just ending: from here both look alike. */
export function isHungUp(error: unknown): boolean {
  return [...readChain(error)].some(
    (one) => one.name === "KafkaJSConnectionClosedError" || /before secure TLS connection/.test(messageOf(one)),
  );
}

/** No connection came about, so nothing was sent; a connection that closed is something else. */
export function isRefused(error: unknown): boolean {
  const names = [...readChain(error)].map(({ name }) => name);
  return (
    names.includes("KafkaJSConnectionError") &&
    !names.includes("KafkaJSConnectionClosedError") &&
    !names.includes("KafkaJSRequestTimeoutError")
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function toLogError(error: unknown, sent: boolean): LogError {
  if (error instanceof LogError) return error;
  const message = messageOf(error);
  if (isFenced(error)) return new LogError("log-fenced", `the slot has another owner: ${message}`, { cause: error });
  return new LogError(sent ? "log-outcome-unknown" : "log-unavailable", message, { cause: error });
}
