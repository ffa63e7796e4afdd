// Named places of the product's code at which a process can be made to die by SIGKILL. The code does not know of them: when
// a process is started with WEFT_FAILPOINT="<name>:<n>", its module is changed as it is loaded, and the n-th pass kills.
// A place that is no longer in the code is an error, not a failpoint that never fires.

export interface Failpoint {
  readonly verb: "resolve" | "stitch";
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly at: string;
  readonly side: "before" | "after";
  /** Passed once a slot as it is taken over, so twice by who takes over all. */
  readonly isSeldom?: boolean;
}

const LOOP = "services/stitcher/loop.ts";
const SHARD = "services/stitcher/shard.ts";
const RESOLVER = "services/resolver/loop.ts";
const PUBLISHER = "services/adapters/kafka/publisher.ts";
const COMMIT = "const outcome = await this.#services.store.commit({";
const SENT = "await transaction.sendBatch({ acks: -1, topicMessages });";
const COMMITTED = "await transaction.commit();";
const POSITIONS = "await this.#sendPositions(transaction, positions);";

export const FAILPOINTS: Readonly<Record<string, Failpoint>> = {
  "resolve-before-index": {
    verb: "resolve",
    file: "services/resolver/resolver.ts",
    at: "const isFirst = await index.settle(proposal);",
    side: "before",
  },
  "resolve-after-index": {
    verb: "resolve",
    file: "services/resolver/resolver.ts",
    at: "recent.keep(batch);",
    side: "before",
  },
  "resolve-before-publish": {
    verb: "resolve",
    file: RESOLVER,
    at: "publishing = this.#publish(out, positions, this.#life);",
    side: "before",
  },
  "resolve-after-positions": { verb: "resolve", file: PUBLISHER, at: POSITIONS, side: "after" },
  "resolve-after-records": { verb: "resolve", file: PUBLISHER, at: SENT, side: "after" },
  "resolve-after-transaction": { verb: "resolve", file: PUBLISHER, at: COMMITTED, side: "after" },
  "stitch-after-epochs": {
    verb: "stitch",
    file: LOOP,
    at: "const epochs = await services.store.raiseEpochs(shards);",
    side: "after",
    isSeldom: true,
  },
  "stitch-after-fencing": { verb: "stitch", file: LOOP, at: "await slot.takeOver();", side: "after", isSeldom: true },
  "stitch-before-catching-up": { verb: "stitch", file: LOOP, at: "slot.seek(from);", side: "before", isSeldom: true },
  "stitch-before-commit": { verb: "stitch", file: SHARD, at: COMMIT, side: "before" },
  "stitch-after-commit": { verb: "stitch", file: SHARD, at: 'if (outcome === "committed") {', side: "before" },
  "stitch-between-steps": { verb: "stitch", file: LOOP, at: "await publishPart(owned, out);", side: "before" },
  "stitch-after-a-step": { verb: "stitch", file: LOOP, at: "await publishPart(owned, out);", side: "after" },
  "stitch-before-publish": {
    verb: "stitch",
    file: LOOP,
    at: "await slot.publish(records, new Map(moved",
    side: "before",
  },
  "stitch-after-positions": { verb: "stitch", file: PUBLISHER, at: POSITIONS, side: "after" },
  "stitch-after-records": { verb: "stitch", file: PUBLISHER, at: SENT, side: "after" },
  "stitch-after-transaction": { verb: "stitch", file: PUBLISHER, at: COMMITTED, side: "after" },
  "stitch-after-published": {
    verb: "stitch",
    file: LOOP,
    at: "for (const { owned, target } of moved) owned.published = target;",
    side: "after",
  },
};

export function plantFailpoint(source: string, { file, at, side }: Failpoint): string {
  const parts = source.split(at);
  if (parts.length !== 2) throw new Error(`a failpoint of ${file} stands there ${parts.length - 1} times: ${at}`);
  const [before = "", after = ""] = parts;
  const pass = "globalThis.passFailpoint();";
  return side === "before" ? `${before}${pass}\n${at}${after}` : `${before}${at}\n${pass}${after}`;
}
