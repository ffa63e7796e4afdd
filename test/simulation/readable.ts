// G1, of what stands on the inner log: what is said of somebody who was erased opens with no key that the index holds, nor
// weft.keys once it is compacted.

import { listOpened } from "#services/wire/bundle.ts";
import { DESTROYED, indexKey } from "#services/wire/payload-keys.ts";
import type { Broker } from "./broker.ts";
import { Keyring } from "./keyring.ts";
import { NAMES } from "./kit.ts";
import { listMarks } from "./marks.ts";
import type { SeenBundle } from "./observer.ts";
import type { ServerState } from "./state.ts";

interface Holders {
  readonly state: ServerState;
  readonly broker: Broker;
}

interface Erased {
  /** An identifier that was erased. */
  isHers(key: string): boolean;
  /** What was told under one. */
  isMarkHers(mark: string): boolean;
}

export async function findReadable(
  holders: Holders,
  bundles: readonly SeenBundle[],
  { isHers, isMarkHers }: Erased,
): Promise<string | null> {
  const held = await listHeld(holders);
  for (const { offset, value } of bundles) {
    const name = listOpened(value).find((one) => isHers(one) && held.has(one));
    if (name !== undefined) return `${name} was erased, and what is said under it at ${offset} can be read (G1)`;
    const mark = held.reveal(value).flatMap(listMarks).find(isMarkHers);
    if (mark !== undefined) return `${mark} of somebody who was erased can be read at ${offset} of the inner log (G1)`;
  }
  return null;
}

async function listHeld({ state, broker }: Holders): Promise<Keyring> {
  const held = new Keyring();
  const { names } = state.keyring;
  const wrapped = await state.readIndex().get(names.map(indexKey));
  for (const [place, name] of names.entries()) held.add(name, wrapped[place] ?? DESTROYED);
  const latest = new Map<string, string>();
  for (const { key, value } of broker.at(NAMES.keys, 0).read(0, Number.POSITIVE_INFINITY).records)
    if (key !== null) latest.set(key, Buffer.from(value ?? []).toString("latin1"));
  for (const [name, one] of latest) held.add(name, one);
  return held;
}
