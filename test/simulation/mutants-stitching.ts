// Planted bugs of the stitcher's loop and of the store's fenced step.
import { type Mutant, patch } from "./mutant.ts";

const LOOP = "stitcher/loop.ts";
const SHARD = "stitcher/shard.ts";
const STORE = "adapters/memory/store.ts";

export const STITCHING: readonly Mutant[] = [
  patch(
    "published-before-fold",
    LOOP,
    "      if (records.length === 0) continue;\n",
    "      if (records.length === 0) continue;\n      await slot.publish([], new Map(records.map((one) => [partitionKey(one), { offset: one.offset + 1, step: 0 }])));\n",
  ),
  patch("outbox-not-published-at-take-over", LOOP, "unpublished.push(...entry.records)", "unpublished.push()"),
  patch("outbox-published-whatever-k-says", LOOP, "if (comparePositions(entry.to, k) > 0) unpublished", "unpublished"),
  patch(
    "outbox-off-by-one",
    LOOP,
    "if (comparePositions(entry.to, k) > 0) unpublished",
    "if (comparePositions(entry.to, k) >= 0) unpublished",
  ),
  patch(
    "k-read-before-the-fence",
    LOOP,
    "  await slot.takeOver();\n  const published = await slot.positions();",
    "  const published = await slot.positions();\n  await slot.takeOver();",
  ),
  patch("refused-commit-goes-on", LOOP, 'if (step.outcome !== "committed") throw', "if (false) throw"),
  patch(
    "unknown-outcome-is-success",
    LOOP,
    "      await publishing;\n      publishing = publish(",
    "      await publishing.catch(() => {});\n      publishing = publish(",
  ),
  patch("resumes-at-k", LOOP, "from.set(key, head.position);", "from.set(key, reached);"),
  patch("no-seek-at-take-over", LOOP, "  slot.seek(from);\n", "  if (from.size === 0) slot.seek(from);\n"),
  patch("refold-published", SHARD, "const silent = comparePositions(", "const silent = false && comparePositions("),
  patch("suppression-off-by-one", SHARD, "step: begun }, suppressBelow) < 0", "step: begun }, suppressBelow) <= 0"),
  patch(
    "step-suppressed-by-its-bundle",
    SHARD,
    "const silent = comparePositions({ offset: bundle.offset, step: begun }",
    "const silent = comparePositions({ offset: bundle.offset, step: 0 }",
  ),
  patch("cut-forgets-the-items-before", SHARD, "if (place < done) continue;", ""),
  patch(
    "cut-bundle-is-done",
    SHARD,
    "to = { offset: bundle.offset, step: cut };",
    "to = { offset: bundle.offset + 1, step: 0 };",
  ),
  patch("part-of-a-step-not-published", LOOP, "await publishPart(owned, out);", ""),
  patch("folds-outlive-a-failure", LOOP, "  await Promise.allSettled(works);\n", ""),
  patch("k-moves-for-others", LOOP, "slot, [shard], records)", "slot, [...owned.values()], records)"),
  patch("position-skips-one", SHARD, "offset: last.offset + 1, step: 0", "offset: last.offset + 2, step: 0"),
  patch("position-stays-one-back", SHARD, "offset: last.offset + 1, step: 0", "offset: last.offset, step: 0"),
  patch(
    "timer-not-added",
    SHARD,
    "else timersAdded.push({ queue, atMs, ref });",
    "else if (atMs < 0) timersAdded.push({ queue, atMs, ref });",
  ),
  patch(
    "earliest-timer-forgotten",
    SHARD,
    "this.#earliestMs[queue] = Math.min(this.#earliestMs[queue], atMs);",
    "void atMs;",
  ),
  patch(
    "statuses-not-sent",
    SHARD,
    "sends.push(...workspace.sends, ",
    'sends.push(...workspace.sends.filter(({ item }) => item.kind !== "status"), ',
  ),
  patch(
    "joins-not-made",
    SHARD,
    "for (const request of workspace.joins) sends",
    "for (const request of workspace.joins.slice(1)) sends",
  ),
  patch(
    "deletions-not-stored",
    "stitcher/parts.ts",
    "parts.set(key, component && encodeStateOf(component, identifier))",
    "parts.set(key, component === null ? new Uint8Array() : encodeStateOf(component, identifier))",
  ),
  patch(
    "aliases-told-twice-in-a-bundle",
    SHARD,
    'else if (effect.kind !== "alias" || lastAliases.get(effect.oldProfileId) === effect) outputs.push(effect);',
    "else outputs.push(effect);",
  ),
];

export const STORING: readonly Mutant[] = [
  patch("no-fence-and-no-compare", STORE, 'if (shard.epoch !== commit.epoch) return "fenced";', "", {
    file: STORE,
    from: 'if (comparePositions(shard.position, commit.from) !== 0) return "moved";',
    to: "",
  }),
  patch("no-compare-and-set", STORE, 'if (comparePositions(shard.position, commit.from) !== 0) return "moved";', ""),
  patch(
    "torn-commit",
    STORE,
    "      shard.position = commit.to;",
    "      if (commit.parts.size % 3 !== 0) shard.position = commit.to;",
  ),
  patch(
    "outbox-not-stored",
    STORE,
    "if (commit.outbox.length > 0) shard.outbox.push",
    "if (commit.outbox.length < 0) shard.outbox.push",
  ),
  patch(
    "outbox-trimmed-early",
    STORE,
    "comparePositions(entry.to, commit.published) > 0",
    "comparePositions(entry.to, commit.from) > 0",
  ),
  patch("timer-not-removed", STORE, "shard.timers[timer.queue].remove(timer.ref);", "void timer;"),
  patch("parts-not-deleted", STORE, "if (value === null) shard.parts.delete(key);", "if (value === null) continue;"),
  patch(
    "index-overwrites",
    "adapters/memory/index.ts",
    "if (present === undefined) values.set(key, value);",
    "values.set(key, value);",
  ),
];
