// Every metric that a process may show: the closed list, which METRICS.md shows to people. Names carry their unit, labels
// take values of closed lists and names of the configuration only: never what an event or a request says.

type Kind = "counter" | "gauge" | "histogram";

export type Stage = "resolve" | "stitch" | "api" | "automation";

interface Metric {
  readonly kind: Kind;
  readonly stages: readonly Stage[];
  readonly labels: readonly string[];
  readonly help: string;
}

export const METRICS = {
  weft_records_total: {
    kind: "counter",
    stages: ["resolve"],
    labels: ["source", "outcome"],
    help: "Records that were resolved, by what became of them",
  },
  weft_dead_letters_total: {
    kind: "counter",
    stages: ["resolve"],
    labels: ["source", "reason"],
    help: "Records that were refused",
  },
  weft_events_clamped_total: {
    kind: "counter",
    stages: ["resolve"],
    labels: [],
    help: "Events that said to be of the future",
  },
  weft_identifiers_left_out_total: {
    kind: "counter",
    stages: ["resolve"],
    labels: ["why"],
    help: "Identifiers of accepted events that identify nobody",
  },
  weft_fields_dropped_total: {
    kind: "counter",
    stages: ["resolve"],
    labels: ["source"],
    help: "Fields without a legal basis that were left out",
  },
  weft_events_held_back_total: {
    kind: "counter",
    stages: ["resolve"],
    labels: ["source"],
    help: "Events that counted as claims because their source was held back",
  },
  weft_events_total: {
    kind: "counter",
    stages: ["stitch"],
    labels: ["source", "outcome"],
    help: "Events at their home, by what became of them",
  },
  weft_limits_reached_total: {
    kind: "counter",
    stages: ["stitch"],
    labels: ["limit"],
    help: "Times that something was left out at a limit",
  },
  weft_outputs_total: {
    kind: "counter",
    stages: ["stitch"],
    labels: ["kind"],
    help: "Records for the output topics",
  },
  weft_identity_changes_total: {
    kind: "counter",
    stages: ["stitch"],
    labels: ["change"],
    help: "Records of identity-changed, by what changed",
  },
  weft_stopped_shards: {
    kind: "gauge",
    stages: ["stitch"],
    labels: [],
    help: "Shards that have stopped here until somebody has seen to them",
  },
  weft_loop_events_total: {
    kind: "counter",
    stages: ["resolve", "stitch"],
    labels: ["event"],
    help: "What the loops of the process went through",
  },
  weft_waiting_records: {
    kind: "gauge",
    stages: ["resolve", "stitch"],
    labels: ["topic", "shard"],
    help: "Records that nobody has taken in yet, of the whole deployment",
  },
  weft_http_requests_total: {
    kind: "counter",
    stages: ["api"],
    labels: ["route", "status"],
    help: "Requests that were answered",
  },
  weft_http_request_seconds: {
    kind: "histogram",
    stages: ["api"],
    labels: ["route"],
    help: "Time from a request to its answer",
  },
  weft_http_problems_total: {
    kind: "counter",
    stages: ["api"],
    labels: ["code"],
    help: "Requests that were answered with a problem",
  },
  weft_messages_total: {
    kind: "counter",
    stages: ["automation"],
    labels: [],
    help: "Messages that the automation printed",
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
export type Labels<Name extends MetricName> = Readonly<Record<(typeof METRICS)[Name]["labels"][number], string>>;
export type NameOf<K extends Kind> = {
  [Name in MetricName]: (typeof METRICS)[Name]["kind"] extends K ? Name : never;
}[MetricName];
