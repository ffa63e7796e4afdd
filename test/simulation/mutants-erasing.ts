// Planted bugs of forgetting a person.
import { type Mutant, patch } from "./mutant.ts";

const ERASING = "core/erasing.ts";
const LEDGER = "wire/privacy-ledger.ts";

/** Of keys, which sealed seeds have. */
const SHREDDING: readonly Mutant[] = [
  patch(
    "keys-destroyed-by-what-is-lost",
    "stitcher/shard.ts",
    "absorbs.length + forgotten.size > 0",
    "absorbs.length > 0",
  ),
  patch("keys-destroyed-before-it-is-told", "core/shredding.ts", "abroad?.forgets.has(name) !== true", "true"),
  patch(
    "keys-destroyed-without-a-hand-over",
    "core/successor.ts",
    "  workspace.joins.push({ a: component.id, b: next, cause });\n",
    `  const came = [...component.held].map((birth) => \`h/\${birth}\`);
  if (next !== "") workspace.effects.push({ kind: "keys-forgotten", keys: [...keys, ...came] });
`,
  ),
  patch(
    "destroyed-key-put-back-from-an-old-record",
    "wire/index-keeper.ts",
    "      read.set(name, value);\n      if (read",
    "      if (!read.has(name)) read.set(name, value);\n      if (read",
  ),
  patch(
    "group-keeps-what-she-told",
    "core/item.ts",
    'return role === "anchor" || role === "order";',
    'return role === "anchor" || role === "order" || role === "place";',
  ),
];

export const FORGETTING: readonly Mutant[] = [
  { ...patch("unmet-life-goes-on", ERASING, "    openAbroad(component).ended.set(key, at);\n", ""), seeds: "erasing" },
  patch(
    "requests-read-at-the-start-only",
    "resolver/loop.ts",
    "if (records.length > 0) await patient(",
    "if (this.#timeMs === 0) await patient(",
  ),
  patch(
    "requests-read-impatiently",
    "resolver/loop.ts",
    'await patient("schema registry", catchUp);',
    "await catchUp();",
  ),
  patch(
    "request-brought-by-one-life-only",
    LEDGER,
    "return this.#requests.get(offset) ?? null;",
    "const request = this.#requests.get(offset) ?? null;\n    this.#requests.delete(offset);\n    return request;",
  ),
  patch("erased-fragment-stays", ERASING, "    entry.fragment = null;\n", ""),
  patch("erased-orders-stay", ERASING, "    eraseOrder(order);\n", ""),
  patch("late-event-begins-a-life", "core/erasure.ts", "end.at < at", "end.at < accepted.recordedAt + 1"),
  ...SHREDDING.map((mutant): Mutant => ({ ...mutant, seeds: "sealed" })),
  patch("shared-facts-stay", "core/erasure.ts", "(this.#shared.get(anchor) ?? -1) >= at", "false"),
];
