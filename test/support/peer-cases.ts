// Cases of other stitchers, told in our words: steps become channel events, people and what is said of them become text.
// A step is `source: [type] namespace=value … trait:value …`. A question mark after a value: claimed, whatever the source
// may assert. `once`: claimed, and of an instant before all others, so that it fills gaps and overwrites nothing. `again`
// alone: the event before it once more. `$` stands for each of the given values.

import type { ChannelEvent, Scalar } from "#core/event.ts";
import type { Output } from "#core/effect.ts";
import type { Engine } from "#core/engine.ts";
import { acceptEvent } from "#core/acceptance.ts";
import { compareText, sortedEntries } from "#core/comparison.ts";
import type { Component } from "#core/component.ts";
import { profileId } from "#core/profile.ts";
import type { IdentifierView } from "#core/listing.ts";
import { identifiersOf } from "#core/membership.ts";
import { viewProfile, type ProfileView } from "#core/view.ts";
import type { Store } from "#ports/store.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { readShardComponents } from "#services/wire/part.ts";

type Peer = "PostHog" | "Apache Unomi" | "Snowplow" | "RudderStack" | "PostHog cohorts" | "kafka-flow";

export interface PeerCase {
  readonly id: string;
  readonly peer: Peer;
  /** adapt: ours does otherwise on purpose. */
  readonly use: "adopt" | "adapt";
  readonly holds: string;
  readonly told: readonly string[];
  /**
   * Set apart by a slash: `known` where a log-in, a clerk or a back office has vouched for the person, the identifier that
   * the profile's id is made of, the others, traits, and counters where any are asked for.
   */
  readonly people: string;
  readonly more: Expectation;
}

interface Expectation {
  /** Values that `$` stands for, each in a run of its own. */
  readonly each?: readonly string[];
  /** Values that are junk beside the list of the product. */
  readonly junk?: readonly string[];
  /** The people after each step. */
  readonly after?: readonly string[];
  /** What is said in the last step, or in the last few that make one batch. */
  readonly says?: readonly string[];
  readonly together?: number;
  /** Of the events that are not folded: the place of each, and what became of it. */
  readonly outcomes?: readonly string[];
  /** Why two identifiers are not one person. */
  readonly apart?: readonly [one: string, other: string, obstacle: string];
  /** More interleavings, in some of which processes die while a profile is handed over. */
  readonly race?: boolean;
  /** Where ours does otherwise than theirs; of an adopted case: in which part. */
  readonly differs?: string;
  /** Of an adopted case that differs: the promise, or section of the design, that does not let it be as theirs. */
  readonly against?: string;
  /** By which way ours comes to the same. */
  readonly note?: string;
}

type Differing = Expectation & { readonly differs: string };

export function casesOf(peer: Peer) {
  return {
    adopt: (id: string, holds: string, told: readonly string[], people: string, more: Expectation = {}): PeerCase => {
      return { id, peer, use: "adopt", holds, told, people, more };
    },
    adapt: (id: string, holds: string, told: readonly string[], people: string, more: Differing): PeerCase => {
      return { id, peer, use: "adapt", holds, told, people, more };
    },
  };
}

export const START_MS = Date.UTC(2026, 2, 2);
const MINUTE_MS = 60_000;

export function tellSteps(told: readonly string[], each = ""): FoldEvent[] {
  const events: FoldEvent[] = [];
  for (const [place, step] of told.entries()) {
    const recordedAt = START_MS + place * MINUTE_MS;
    const last = events.at(-1);
    events.push(step === "again" && last !== undefined ? { ...last, recordedAt } : tellStep(step, place, each));
  }
  return events;
}

function tellStep(step: string, place: number, each: string): FoldEvent {
  const [, source = "", rest = ""] = /^([\w-]+): (.*)$/s.exec(step) ?? [];
  const words = rest.split(" ");
  const once = words.includes("once");
  const recordedAt = START_MS + place * MINUTE_MS;
  const identifiers = words.flatMap((word) => {
    const [, namespace, value = "", claimed] = /^([\w-]+)=(.*?)(\??)$/s.exec(word) ?? [];
    if (namespace === undefined) return [];
    const said = { namespace, value: value === "$" ? each : value };
    return [once || claimed === "?" ? { ...said, assurance: "claimed" } : said];
  });
  const traits = words.flatMap((word): [string, Scalar][] => {
    const [, name, value = ""] = /^(\w+):(.*)$/.exec(word) ?? [];
    return name === undefined ? [] : [[name, /^\d+$/.test(value) ? Number(value) : value]];
  });
  const eventId = `e${place}`;
  const type = words.find((word) => word !== "once" && !/[=:]/.test(word)) ?? "identified";
  const event: ChannelEvent = {
    eventId,
    type,
    // Of two set-once values the one told first stands.
    occurredAt: once ? START_MS - (place + 1) * MINUTE_MS : recordedAt,
    identifiers,
    ...(traits.length === 0 ? {} : { traits: Object.fromEntries(traits) }),
    ...(type.startsWith("order-") ? { order: { orderId: eventId, lines: [ONE_COAT] } } : {}),
  };
  return { source, recordedAt, event };
}

const ONE_COAT = { productId: "coat", quantity: 1, unitPriceMinor: 120_00 };

interface Living {
  readonly naming: string;
  readonly identifiers: readonly IdentifierView[];
  readonly view: ProfileView;
}

export async function readLiving(engine: Engine, store: Store, shards: number): Promise<Living[]> {
  const living: Living[] = [];
  for (const component of await readAllComponents(store, shards))
    for (const [naming, { id, alive }] of component.profiles) {
      if (!alive) continue;
      const named = [...component.identifiers].find(([key]) => profileId(engine.registry.hash, key) === id);
      const name = named === undefined ? "an unknown one" : `${named[1].namespace}=${named[1].value}`;
      const view = viewProfile(engine.registry, component, naming);
      living.push({ naming: name, identifiers: identifiersOf(engine.registry, component, naming), view });
    }
  return living;
}

export async function readAllComponents(store: Store, shards: number): Promise<Component[]> {
  const components: Component[] = [];
  for (let shard = 0; shard < shards; shard += 1) {
    components.push(...(await readShardComponents(store, shard)));
  }
  return components;
}

/** As `people` of a case has them; counters only where that has any. */
export async function describePeople(engine: Engine, store: Store, shards: number, like: string): Promise<string> {
  const counted = like.includes("*");
  const living = await readLiving(engine, store, shards);
  return living
    .map((one) => describeOne(one, counted))
    .toSorted(compareText)
    .join(" / ");
}

function describeOne({ naming, identifiers, view }: Living, counted: boolean): string {
  const names = identifiers.map(({ namespace, value, state }) => {
    return { name: `${namespace}=${value}`, mark: state === "owned" ? "" : `(${state})` };
  });
  names.sort((a, b) => Number(b.name === naming) - Number(a.name === naming));
  return [
    ...(view.facts.profile.known ? ["known"] : []),
    ...names.map(({ name, mark }) => name + mark),
    ...sortedEntries(view.traits).map(([name, { value }]) => `${name}:${value}`),
    ...(counted ? sortedEntries(view.counters).map(([type, count]) => `${type}*${count}`) : []),
  ].join(" ");
}

/** What was said, with each profile under the identifier that its id is made of. */
export function describeOutputs(engine: Engine, events: readonly FoldEvent[], outputs: readonly Output[]): string[] {
  const names = new Map<string | null, string>([[null, "itself"]]);
  for (const { source, recordedAt, event } of events) {
    const acceptance = acceptEvent(engine.registry, source, recordedAt, event);
    for (const { key, namespace, value } of acceptance.ok ? acceptance.accepted.identifiers : [])
      names.set(profileId(engine.registry.hash, key), `${namespace}=${value}`);
  }
  const who = (id: string | null) => names.get(id) ?? `an unknown ${id}`;
  return outputs.flatMap((output) => {
    switch (output.kind) {
      case "profile-changed":
        return `${who(output.profileId)} v${output.version}: ${output.changes.map(({ path }) => path).join(" ")}`;
      case "profile-state":
        return output.state === null ? `${who(output.profileId)} is no more` : [];
      case "transition":
        return `${who(output.profileId)}: ${output.from} -> ${output.to} (${output.cause})`;
      case "retraction":
        return `${who(output.profileId)}: not ${output.from} -> ${output.to} (${output.cause})`;
      case "identity-changed":
        return `${output.change}: ${who(output.profileId)}, ${who(output.otherProfileId)}`;
      case "alias":
        return `${who(output.oldProfileId)} is ${who(output.profileId)}`;
      case "profile-erased":
        return `${who(output.profileId)} is erased`;
      case "signal":
        return `${who(output.profileId)}: ${output.signal}`;
    }
  });
}
