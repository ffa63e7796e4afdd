// What must hold when everything has come to rest, whatever happened on the way: the people are the oracle's (I1, P1);
// nobody waits for anything; every input record has one outcome (O1); and a fold of the inner log, in steps of other sizes
// and by the reference engine, gives the outputs that readers saw, byte for byte and in order (O2, O4 of the notes).

import { isDeepStrictEqual } from "node:util";
import { acceptEvent } from "#core/acceptance.ts";
import type { Component } from "#core/component.ts";
import { isWithoutFacts } from "#core/declaration.ts";
import type { Rules } from "#core/configuration.ts";
import type { EventOutcome } from "#core/effect.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import { comparePositions, type NewRecord, type Position } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import { configuration, hash } from "#support/histories.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";
import type { Keyring } from "./keyring.ts";
import { compareIndex } from "./index-verdict.ts";
import { NAMES, type Kit } from "./kit.ts";
import { completeRequests } from "./late-orders.ts";
import { isForgotten, listMarks } from "./marks.ts";
import { describeOutput, type Observer } from "./observer.ts";
import type { Plan } from "./plan.ts";

export interface Rest {
  readonly plan: Plan;
  /** The reference, not what was under test. */
  readonly kit: Kit;
  readonly state: Pick<Store, "load" | "scan" | "dueTimers">;
  /** To read all that was ever said on the inner log. */
  readonly keyring: Keyring;
  readonly readIndex: (keys: readonly string[]) => Promise<(string | null)[]>;
  readonly observer: Observer;
  /** What stood on the channel topics, copies included. */
  readonly recorded: readonly RecordedEvent[];
  /** Those in force at the end. */
  readonly rules: Rules;
  readonly requests: readonly ErasureRequest[];
  /** K of each shard. */
  readonly published: readonly Position[];
  /** R of each shard. */
  readonly applied: readonly Position[];
}

/** The first broken promise; null: all hold. */
export async function judge(rest: Rest): Promise<string | null> {
  const { observer, plan } = rest;
  const folded = await foldInnerLog(rest);
  return (
    observer.findBrokenChains()[0] ??
    compareOutputs(observer.outputs, folded.outputs, rest.published) ??
    (await compareStates(rest, folded.stores)) ??
    checkOutcomes(rest, folded.outcomes) ??
    (await compareIndex(rest)) ??
    (await findUnsettled(rest)) ??
    (await findKept(rest)) ??
    (await comparePersons(rest, plan))
  );
}

async function comparePersons(rest: Rest, plan: Plan): Promise<string | null> {
  const { kit, state, rules, observer } = rest;
  const { system } = kit;
  const people = await system.readPeople(kit.engineFor(plan), state as Store, plan.shards);
  const { requests, recorded } = await completeRequests(rest);
  const askOracle = (linksStay: boolean) =>
    compareOracle(recomputePeople(recorded, { ...configuration, rules }, hash, 0, requests, () => false, linksStay));
  const [got, wanted] = [comparePeople(people), askOracle(false)];
  // Whether a link had said her identifier before it was taken back depends on when it came (SPEC.md, section 9).
  if (!isDeepStrictEqual(got, wanted) && !isDeepStrictEqual(got, askOracle(true)))
    return `the people are not the oracle's: ${describeDifference(got, wanted)}`;
  for (const { profileId, segment } of people.profiles) {
    const told = observer.told.get(profileId);
    if (told !== segment) return `${profileId} is in ${segment}, its last profile-changed says ${told}`;
    const isRenamed = observer.renames.has(profileId);
    if (!isRenamed && observer.led.get(profileId) !== segment)
      return `${profileId} is in ${segment}, its last transition led to ${observer.led.get(profileId)}`;
  }
  return null;
}

function describeDifference(got: ReturnType<typeof comparePeople>, wanted: ReturnType<typeof comparePeople>): string {
  if (got.profiles.length !== wanted.profiles.length)
    return `${got.profiles.length} profiles, not ${wanted.profiles.length}`;
  const at = got.profiles.findIndex((profile, place) => !isDeepStrictEqual(profile, wanted.profiles[place]));
  if (at < 0) return `${got.unattributedOrders} orders of nobody, not ${wanted.unattributedOrders}`;
  return `${JSON.stringify(got.profiles[at])}\n  is not ${JSON.stringify(wanted.profiles[at])}`;
}

/** Bundles of a step of this fold: by turns more and fewer than what a live step has. */
const FOLDED_AT_ONCE = [40, 4, 64];
/** Nothing waits in this outbox. */
const EVERYTHING = { offset: Number.MAX_SAFE_INTEGER, step: 0 };

async function foldInnerLog({ plan, kit, keyring, observer, published, applied }: Rest) {
  const { system, encodeOutput } = kit;
  const outputs = new Map<string, string[]>();
  const outcomes: EventOutcome[] = [];
  const stores: Store[] = [];
  const places = new WeakMap<NewRecord, Position>();
  for (let shard = 0; shard < plan.shards; shard += 1) {
    const start = { offset: 0, step: 0 };
    const store = system.openMemoryStore();
    stores.push(store);
    const stitcher = new system.ShardStitcher(
      {
        engine: kit.engineFor(plan),
        store,
        shards: plan.shards,
        resolvedTopic: NAMES.resolved,
        encodeBundle: () => new Uint8Array(),
        encodeOutput: (output, position) => {
          const record = encodeOutput(output, position);
          places.set(record, position);
          return record;
        },
        prepareEvents: async () => {},
        findRoots: async () => new Map(),
        join: async () => [],
        onOutcome: (outcome) => outcomes.push(outcome),
      },
      shard,
      0,
      start,
    );
    const upTo = applied[shard] ?? start;
    const bundles = (observer.bundles.get(shard) ?? [])
      .filter(({ offset }) => comparePositions({ offset, step: 0 }, upTo) < 0)
      .map(({ offset, value }) => ({ offset, items: system.readBundle(value, plan.sealed === true ? keyring : null) }));
    let rest = bundles;
    for (
      let turn = shard, reached: Position = start;
      comparePositions(reached, upTo) < 0 && rest.length > 0;
      turn += 1
    ) {
      const step = rest.slice(0, FOLDED_AT_ONCE[turn % FOLDED_AT_ONCE.length]);
      const { records, to } = await stitcher.apply(step, EVERYTHING, start);
      reached = to;
      rest = rest.filter(({ offset }) => offset >= to.offset);
      for (const record of records) {
        const place = places.get(record);
        if (place === undefined || comparePositions(place, published[shard] ?? start) >= 0) continue;
        const stream = `${record.topic} ${record.key} ${shard}`;
        const list = outputs.get(stream) ?? [];
        outputs.set(stream, list);
        list.push(describeOutput(place, record));
      }
    }
  }
  return { outputs, outcomes, stores };
}

/** Of what is published up to K; a tail that was committed and not published any more waits in the outbox. */
function compareOutputs(
  seen: ReadonlyMap<string, readonly string[]>,
  folded: ReadonlyMap<string, readonly string[]>,
  published: readonly Position[],
): string | null {
  for (const stream of new Set([...seen.keys(), ...folded.keys()])) {
    const [got, wanted] = [seen.get(stream) ?? [], folded.get(stream) ?? []];
    if (isDeepStrictEqual(got, wanted)) continue;
    const at = Math.max(
      0,
      wanted.findIndex((one, place) => one !== got[place]),
    );
    const show = (text: string | undefined) => (text === undefined ? "nothing" : text.split(" ").slice(0, 2).join(" "));
    const k = JSON.stringify(published[Number(stream.split(" ").at(-1))]);
    return `outputs of ${stream} (K ${k}): ${got.length}, by the fold ${wanted.length}; at ${at} ${show(got[at])}, by the fold ${show(wanted[at])} (O2)`;
  }
  return null;
}

/**
 * S2: what the store holds is what the log says, part by part and timer by timer. Only on how many pages a component lies
 * follows from where steps were committed as well (wire/paging.ts): of one that lies otherwise, what it holds is compared.
 */
async function compareStates({ plan, kit, state, requests }: Rest, stores: readonly Store[]): Promise<string | null> {
  for (let shard = 0; shard < plan.shards; shard += 1) {
    const reference = stores[shard] as Store;
    const [got, wanted] = [await readShard(state, shard), await readShard(reference, shard)];
    // Who is in a group is listed anew without those whose keys are gone by then.
    const isListed = (key: string) => plan.sealed === true && requests.length > 0 && key.startsWith("g/");
    const others = [...new Set([...got.keys(), ...wanted.keys()])].filter(
      (key) => got.get(key) !== wanted.get(key) && !isListed(key),
    );
    if (others.length === 0) continue;
    const [ours, theirs] = [await readComponents(kit, state, shard), await readComponents(kit, reference, shard)];
    const isSame = (key: string): boolean => {
      const [, id = ""] = /^[cp]\/([^/]+)/.exec(key) ?? [];
      const [one, other] = [ours.get(id), theirs.get(id)];
      if (one === undefined || other === undefined || one.pages?.length === other.pages?.length) return false;
      return isDeepStrictEqual({ ...one, pages: null }, { ...other, pages: null });
    };
    const key = others.find((one) => !isSame(one));
    if (key !== undefined)
      return `shard ${shard} holds another ${key} than the fold of its log (S2): ${got.get(key)}, by the fold ${wanted.get(key)}`;
  }
  return null;
}

/** By id, whole, wherever they lie. */
async function readComponents({ system }: Kit, store: Rest["state"], shard: number): Promise<Map<string, Component>> {
  const components = await system.readShardComponents(store, shard);
  return new Map(components.map((component) => [component.id, component]));
}

async function readShard(store: Rest["state"], shard: number): Promise<Map<string, string>> {
  const held = new Map<string, string>();
  for await (const { key, value } of store.scan(shard, "")) held.set(key, Buffer.from(value).toString("base64"));
  for (const queue of ["time", "completeness"] as const)
    for (const { atMs, ref } of await store.dueTimers(shard, queue, Number.MAX_SAFE_INTEGER, 100_000))
      held.set(`${queue} timer of ${ref}`, String(atMs));
  return held;
}

/** O1: each record is refused (one letter for each) or its event folded once. */
function checkOutcomes(
  { kit, plan, recorded, requests, observer }: Rest,
  outcomes: readonly EventOutcome[],
): string | null {
  const { registry } = kit.engineFor(plan);
  const folds = new Map<string, number>();
  const suppressed = new Set(
    outcomes.flatMap(({ source, eventId, outcome }) => (outcome === "suppressed" ? [`${source} ${eventId}`] : [])),
  );
  for (const { source, eventId, outcome } of outcomes)
    if (outcome === "folded") folds.set(`${source} ${eventId}`, (folds.get(`${source} ${eventId}`) ?? 0) + 1);
  let letters = 0;
  for (const { source, recordedAt, event } of recorded) {
    const acceptance = acceptEvent(registry, source, recordedAt, event);
    if (!acceptance.ok) {
      letters += 1;
      continue;
    }
    const isOrder = event.type.startsWith("order-") && registry.sources.get(source)?.trustedForOrders === true;
    // What names nobody and is no order goes nowhere.
    if (acceptance.accepted.identifiers.length === 0 && !isOrder) continue;
    const count = folds.get(`${source} ${event.eventId}`) ?? 0;
    // What is ruled of identifiers is ruled again by a copy that the resolver's window has forgotten, to no effect.
    if (count > 1 && isWithoutFacts(acceptance.accepted)) continue;
    // Of who was erased it is folded where it came before the request.
    if (count === 0 && isForgotten(acceptance.accepted, requests)) continue;
    // Her order came to its home after the request was made, which does not list it, and went with her: so does what came later.
    if (count === 0 && acceptance.accepted.order !== null && suppressed.has(`${source} ${event.eventId}`)) continue;
    if (count !== 1) return `${source} ${event.eventId} was folded ${count} times (O1)`;
  }
  const places = new Set(
    observer.letters.map(
      ({ topic, headers }) => `${topic} ${headers["__connect.errors.partition"]} ${headers["__connect.errors.offset"]}`,
    ),
  );
  if (places.size !== observer.letters.length) return "a dead letter was written twice (O1)";
  return letters === places.size ? null : `${places.size} dead letters of ${letters} refused records (O1)`;
}

/** G1: nothing that the store holds says what an event of somebody who was erased has said. */
async function findKept({ plan, kit, state, recorded, requests }: Rest): Promise<string | null> {
  if (requests.length === 0) return null;
  const { registry } = kit.engineFor(plan);
  const forgotten = new Set<string>();
  for (const { source, recordedAt, event } of recorded) {
    const acceptance = acceptEvent(registry, source, recordedAt, event);
    const mark = event.traits?.["mark"];
    if (acceptance.ok && typeof mark === "string" && isForgotten(acceptance.accepted, requests)) forgotten.add(mark);
  }
  for (let shard = 0; shard < plan.shards; shard += 1)
    for await (const { key, value } of state.scan(shard, "")) {
      const mark = listMarks(value).find((one) => forgotten.has(one));
      if (mark !== undefined) return `${key} of shard ${shard} holds ${mark}, whose subject was erased (G1)`;
    }
  return null;
}

/** Nothing parked, no hand-over half here, no ownership undecided. */
async function findUnsettled({ plan, kit, state }: Rest): Promise<string | null> {
  for (let shard = 0; shard < plan.shards; shard += 1) {
    for (const { id, abroad, identifiers } of (await readComponents(kit, state, shard)).values()) {
      if (abroad !== null && abroad.parked.length > 0) return `${id} has ${abroad.parked.length} parked`;
      if (abroad !== null && abroad.arriving.size > 0) return `${id} waits for chunks`;
      for (const entry of identifiers.values())
        if (entry.pending) return `${id}: ${entry.namespace} ${entry.value} is pending`;
    }
  }
  return null;
}
