// Planted bugs that only a loss of acknowledged state can show: what notices it, what is folded anew, what readers are told.
import { LOSS_KINDS } from "./faults.ts";
import { type Mutant, patch } from "./mutant.ts";

const LOOP = "stitcher/loop.ts";
const LOSS = "stitcher/loss.ts";
const JOINS = "stitcher/joins.ts";
const STORE = "adapters/memory/store.ts";
const KEEPER = "wire/index-keeper.ts";
const UNLISTED = 'for (const key of commit.absent) if (shard.parts.has(key)) return "damaged";';

const PLANTED: readonly Mutant[] = [
  patch("lost-part-unnoticed", STORE, UNLISTED, ""),
  patch(
    "lost-part-deleted-unnoticed",
    STORE,
    UNLISTED,
    'for (const key of commit.absent) if (shard.parts.has(key) && commit.parts.get(key) !== null) return "damaged";',
  ),
  patch(
    "lost-part-that-is-not-written-unnoticed",
    STORE,
    UNLISTED,
    'for (const key of commit.absent) if (shard.parts.has(key) && commit.parts.has(key)) return "damaged";',
  ),
  patch(
    "refold-from-the-start-is-published",
    LOOP,
    "publishedAtTakeOver: k,",
    "publishedAtTakeOver: head.position.offset > 0 ? k : head.position,",
  ),
  patch(
    "emptied-shard-is-served",
    STORE,
    "Object.assign(shard, { position: START, until: Number.MAX_SAFE_INTEGER,",
    "Object.assign(shard, { position: START,",
  ),
  patch("readers-do-not-wait", "wire/standing.ts", "if (position.offset >= until)", "if (until >= 0)"),
  patch("scrub-skipped", LOOP, "      await scrub();\n", ""),
  patch("readers-told-once", LOSS, "    await tellReaders();\n", "    void tellReaders;\n"),
  patch("damage-of-the-head-ignored", LOSS, "(head.damage === null ? null : `shard ${shard}: ${head.damage}`)", "null"),
  patch("damaged-shard-not-emptied", LOSS, 'if ((await store.clear(shard, epoch)) === "fenced") return null;', ""),
  patch("damage-goes-on", LOOP, 'if (step.outcome === "damaged") throw', "if (false) throw", {
    file: LOOP,
    from: 'if (step.outcome !== "committed") throw',
    to: 'if (step.outcome !== "committed" && step.outcome !== "damaged") throw',
  }),
  patch(
    "damage-ends-the-process",
    LOSS,
    "error instanceof StoreDamaged ? new ShardDamaged(shard, error.message, false) : error",
    "error",
  ),
  patch(
    "joins-follow-from-what-is-lost",
    "stitcher/shard.ts",
    "workspace.joins.length + absorbs.length + forgotten.size > 0) await",
    "forgotten.size > 0) await",
  ),
  patch(
    "lost-index-not-put-back",
    KEEPER,
    "const count = await this.#restore(from);",
    "const count = from.length - from.length;",
  ),
  patch(
    "loss-of-the-index-unnoticed",
    KEEPER,
    "isLost: isMixed || marks.some(({ doubtful }) => doubtful) }",
    "isLost: false }",
  ),
  patch("index-of-another-server-is-trusted", KEEPER, "isMixed || marks.some(({ doubtful }) => doubtful)", "isMixed"),
  patch(
    "open-transactions-not-awaited",
    KEEPER,
    "log.read([resolvedTopic], { from: start, follow: false, awaitsOpen: true })",
    "log.read([resolvedTopic], { from: start, follow: false, awaitsOpen: false })",
  ),
  patch(
    "batch-of-a-lost-index-goes-out",
    "resolver/loop.ts",
    "publish(out, positions, () => this.#services.keeper.isStill(life))",
    'publish(out, positions, async () => life !== "")',
  ),
  patch("join-of-a-lost-index-goes-out", JOINS, "return life === undefined ||", 'return life !== "" ||'),
  patch(
    "lost-joins-are-not-made-again",
    JOINS,
    "roots.get(component) !== roots.get(into));",
    "roots.get(component) === undefined && roots.get(into) === undefined);",
  ),
  patch(
    "joins-of-a-repeated-batch-forgotten",
    "resolver/resolver.ts",
    "joined = [...joined, ...absorbs].filter(",
    "joined = [...joined].filter(",
  ),
  { name: "epochs-reset-by-a-loss", sabotage: ({ state }) => void (state.resetsEpochs = true) },
];

/** "failover" is none of the losses that a store has to notice, and shows some of them. */
export const LOSING = PLANTED.map((mutant): Mutant => ({ ...mutant, needs: [...LOSS_KINDS, "failover"] }));
