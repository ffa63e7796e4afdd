// S2, O4: at rest the identity index says what the inner log says, whatever it has lost on the way: each identifier was born
// once, and whoever was absorbed has a root in common with whom it was told to go to.

import { birthKey, parentKey } from "#services/wire/component-index.ts";
import { BLIND } from "#services/wire/sealing.ts";
import type { Rest } from "./verdict.ts";

export async function compareIndex({ observer, kit, readIndex }: Rest): Promise<string | null> {
  const births = new Map<string, string>();
  const absorbs: (readonly [string, string])[] = [];
  for (const { value } of [...observer.bundles.values()].flat())
    for (const { item } of kit.system.readBundle(value, BLIND)) {
      if (item.kind === "absorb") absorbs.push([item.component, item.into]);
      if (item.kind !== "event") continue;
      for (const { key, birth } of item.order === null ? item.identifiers : [...item.identifiers, item.order]) {
        const other = births.get(key) ?? birth;
        if (other !== birth) return `the log gives an identifier two births, ${other} and ${birth} (S2)`;
        births.set(key, birth);
      }
    }
  const known = await readIndex([...births.keys()].map(birthKey));
  for (const [place, birth] of [...births.values()].entries())
    if (known[place] !== birth) return `the index knows ${known[place]} as a birth, and the log ${birth} (S2)`;
  const findRoot = async (component: string): Promise<string> => {
    const [parent = null] = await readIndex([parentKey(component)]);
    return parent === null ? component : await findRoot(parent);
  };
  for (const [component, into] of absorbs) {
    const [one, other] = [await findRoot(component), await findRoot(into)];
    if (one !== other)
      return `${component} was absorbed into ${into}, and the index has them apart: ${one}, ${other} (S2)`;
  }
  return null;
}
