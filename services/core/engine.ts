// The engine: given the parts of a shard and one item of the inner log, what the parts are next, and what the world and
// other homes are told. Synchronous and pure: it asks for missing parts by yielding a Need (workspace.ts).
// One engine for the cluster, the embedded mode, simulation and fold.

import { createRegistry, type Registry } from "./acceptance.ts";
import { bareRecord } from "./comparison.ts";
import type { Component, Forwarder } from "./component.ts";
import type { Configuration, SignalRule } from "./configuration.ts";
import type { ChannelEvent } from "./event.ts";
import type { Fragment } from "./fragment.ts";
import type { Hash } from "./identifier.ts";
import { compileLadder, type Ladder } from "./segment.ts";

export interface Engine {
  readonly registry: Registry;
  readonly ladder: Ladder;
  readonly abandonedCart: SignalRule | null;
  /** Number of resolver slots: a shard's time is the minimum over all of them. */
  readonly resolverSlots: number;
  /** Bytes that the resolver has accepted, to the event; the shell's codec. */
  readonly decode: (bytes: Uint8Array) => ChannelEvent;
  /** Makes a part that came as plain data safe to write into: see revivePart. */
  readonly revive: (key: string, value: unknown) => unknown;
}

export function createEngine(options: {
  configuration: Configuration;
  hash: Hash;
  resolverSlots: number;
  decode: (bytes: Uint8Array) => ChannelEvent;
}): Engine {
  const { configuration, hash, resolverSlots, decode } = options;
  return {
    registry: createRegistry(configuration, hash),
    ladder: compileLadder(configuration.rules),
    abandonedCart: configuration.rules.signals.find((rule) => rule.signal === "abandoned-cart") ?? null,
    resolverSlots,
    decode,
    revive: revivePart,
  };
}

/** Records whose keys come from outside lose their prototype, so that `__proto__` and `toString` are ordinary names. */
export function revivePart(key: string, value: unknown): unknown {
  if (!key.startsWith("c/") || value === null || (value as Forwarder).forward !== undefined) return value;
  const component = value as Component;
  for (const entry of Object.values(component.identifiers)) {
    if (entry.fragment === null) continue;
    const traits = Object.assign(bareRecord<Fragment["traits"][string]>(), entry.fragment.traits);
    const byType = Object.assign(bareRecord<number>(), entry.fragment.byType);
    const spentMinor = Object.assign(bareRecord<number>(), entry.fragment.orders.spentMinor);
    entry.fragment = { ...entry.fragment, traits, byType, orders: { ...entry.fragment.orders, spentMinor } };
  }
  return component;
}
