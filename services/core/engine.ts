// The engine: given the parts of a shard and one item of the inner log, what the parts are next, and what the world and
// other homes are told. Synchronous and pure: it asks for missing parts by yielding a Need (workspace.ts).
// One engine for the cluster, the embedded mode, simulation and fold.

import { compileAudiences, type Audiences } from "./audience.ts";
import { createRegistry, type Registry } from "./registry.ts";
import type { Configuration, Rules } from "./configuration.ts";
import type { ChannelEvent } from "./event.ts";
import type { Hash } from "./identifier.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { readRules, writeRules } from "./rules-in-force.ts";
import { compileScores, type ScoreCard } from "./score.ts";
import { compileLadder, type Ladder } from "./segment.ts";

export interface Engine {
  readonly registry: Registry;
  /** The rules of the configuration, as their canonical text. */
  readonly rules: string;
  readonly ladder: Ladder;
  readonly audiences: Audiences;
  readonly scores: ScoreCard;
  /** Signals, in the order of the rules. */
  readonly patterns: readonly Pattern[];
  /** Number of resolver slots: a shard's time is the minimum over all of them. */
  readonly resolverSlots: number;
  /** Timers of one queue that fire in one step; what else an item makes due fires in further steps of it. */
  readonly firedMax: number;
  /** Bytes that the resolver has accepted, to the event; the shell's codec. */
  readonly decode: (bytes: Uint8Array) => ChannelEvent;
  /** The same engine under other rules. */
  under(rules: string): Engine;
}

/** Bounds what one commit holds. Part of the recorded order like the rules: other figures end profile-changed elsewhere. */
export const FIRED_MAX = 1_000;

/** Compiled rule sets that are kept: a replay meets the ones of before. */
const COMPILED_MAX = 16;

export function createEngine(options: {
  configuration: Configuration;
  hash: Hash;
  resolverSlots: number;
  firedMax?: number;
  decode: (bytes: Uint8Array) => ChannelEvent;
}): Engine {
  const { configuration, hash, resolverSlots, firedMax = FIRED_MAX, decode } = options;
  const registry = createRegistry(configuration, hash);
  const compiled = new Map<string, Engine>();
  const compile = (rules: Rules, text: string): Engine => ({
    registry: rules === configuration.rules ? registry : { ...registry, configuration: { ...configuration, rules } },
    rules: text,
    ladder: compileLadder(rules),
    audiences: compileAudiences(rules),
    scores: compileScores(rules),
    patterns: rules.signals.map((rule) => compilePattern(rule, registry)),
    resolverSlots,
    firedMax,
    decode,
    under,
  });
  function under(text: string): Engine {
    const known = compiled.get(text);
    if (known !== undefined) return known;
    if (compiled.size >= COMPILED_MAX) compiled.clear();
    const engine = compile(readRules(text), text);
    compiled.set(text, engine);
    return engine;
  }
  return compile(configuration.rules, writeRules(configuration.rules));
}
