// The identity index loses what it acknowledged, in every way that a Redis can, and is put back from the inner log (S2).

import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryLog } from "#adapters/memory/log.ts";
import type { Carried, EventItem } from "#core/item.ts";
import type { Cause } from "#core/profile.ts";
import type { Codec } from "#ports/codec.ts";
import type { Index } from "#ports/index.ts";
import type { Log } from "#ports/log.ts";
import { type BundleValue, encodeBundles } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { IndexKeeper } from "#services/wire/index-keeper.ts";
import { profileId } from "#core/profile.ts";
import { hash } from "#support/histories.ts";
import { openLossyIndex } from "#support/lossy-index.ts";
import { runs } from "#support/property.ts";

const TOPIC = "weft.resolved";
const SHARDS = 2;
const cause: Cause = { source: "web", eventId: "e", at: 1, occurredAt: null, backfill: false, traceparent: null };

/** Bundles are kept as values, and a record holds the place of its one. */
const bundles: BundleValue[] = [];
const codec = {
  prepare: async () => {},
  decode: (bytes: Uint8Array | null) => ({ ok: true, value: bundles[Buffer.from(bytes ?? []).readUInt32BE()] }),
} as unknown as Codec;

function open() {
  const lossy = openLossyIndex();
  const log = openMemoryLog();
  const told: string[] = [];
  let runs = 0;
  const start = (over: { readonly log?: Log; readonly index?: Index } = {}) => {
    const { index = lossy.index } = over;
    const known = new ComponentIndex(index, hash);
    const waiting = { onWait: (line: string) => void told.push(line) };
    const shared = { index, known, log: over.log ?? log, codec, resolvedTopic: TOPIC, shards: SHARDS, waiting };
    return { index, known, keeper: new IndexKeeper({ ...shared, run: `r${(runs += 1)}` }) };
  };
  return { ...lossy, log, told, start };
}

type Deployment = ReturnType<typeof open>;
type Process = ReturnType<Deployment["start"]>;

async function append({ log }: Deployment, shard: number, items: readonly Carried[]): Promise<void> {
  const encode = (value: BundleValue): Uint8Array => {
    bundles.push(value);
    const place = Buffer.alloc(4);
    place.writeUInt32BE(bundles.length - 1);
    return place;
  };
  for (const value of encodeBundles(encode, 0, 0, items))
    await log.append([{ topic: TOPIC, partition: shard, key: null, value }]);
}

/** An identifier is seen for the first time: the index is told, then the log. */
async function bear(deployment: Deployment, { index }: Process, key: string, birth: string): Promise<void> {
  await index.putIfAbsent([{ key: `b:${key}`, value: birth }]);
  const identifier = { namespace: "cookie", value: key, key, assurance: "claimed", birth, local: true } as const;
  const item: EventItem = {
    kind: "event",
    component: birth,
    role: "anchor",
    ruling: null,
    source: "web",
    eventId: key,
    recordedAt: 1,
    backfill: false,
    traceparent: null,
    anchor: key,
    identifiers: [identifier],
    order: null,
  };
  await append(deployment, birth.length % SHARDS, [{ item, event: null }]);
}

async function join(deployment: Deployment, { index }: Process, component: string, into: string): Promise<void> {
  await index.putIfAbsent([{ key: `p:${component}`, value: into }]);
  await append(deployment, 1, [{ item: { kind: "absorb", component, into, cause }, event: null }]);
}

async function openReady() {
  const deployment = open();
  await deployment.log.createTopics([{ name: TOPIC, partitions: SHARDS, config: {} }]);
  return deployment;
}

describe("the identity index", () => {
  it("is put back whole after a loss of all, and that is said (S2, O4)", async () => {
    const deployment = await openReady();
    const process = deployment.start();
    const { keeper, known } = process;
    const life = await keeper.check();
    await bear(deployment, process, "x", "1-a");
    await bear(deployment, process, "y", "1-bb");
    await join(deployment, process, "1-bb", "1-a");
    equal(await keeper.check(), life, "nothing is lost");
    deepEqual(deployment.told, []);
    await deployment.loseAll();
    notEqual(await keeper.check(), life, "what was asked before has to be asked again");
    await known.prefetch(["x", "y"]);
    deepEqual([known.birthOf("x"), known.birthOf("y"), known.rootOf("1-bb")], ["1-a", "1-bb", "1-a"]);
    equal(await known.findNaming(profileId(hash, "x")), "x", "and so is the way from a profile's id");
    equal(deployment.told.length, 2);
    ok(/has lost/.test(deployment.told[0] ?? "") && /whole again; 3 entries/.test(deployment.told[1] ?? ""));
  });

  it("is whole before the first batch of a process that was not there when it was lost (S2)", async () => {
    const deployment = await openReady();
    const dead = deployment.start();
    await dead.keeper.check();
    await bear(deployment, dead, "x", "1-a");
    await deployment.loseLast(1);
    const { keeper, known } = deployment.start();
    await keeper.check();
    await known.prefetch(["x"]);
    equal(known.birthOf("x"), "1-a");
  });

  it("is what the log says also where others went on over a loss that they had not noticed (S2)", async () => {
    const deployment = await openReady();
    const process = deployment.start();
    const { keeper, known } = process;
    await keeper.check();
    await bear(deployment, process, "x", "1-a");
    await deployment.loseAll();
    // Put by a process that has not checked yet; it will not publish what it made of this.
    await deployment.start().index.putIfAbsent([{ key: "b:x", value: "1-z" }]);
    await keeper.check();
    await known.prefetch(["x"]);
    equal(known.birthOf("x"), "1-a");
  });

  it("tells every process of a loss that one of them has mended, and none of them twice", async () => {
    const deployment = await openReady();
    const [one, other] = [deployment.start(), deployment.start()];
    const lives = [await one.keeper.check(), await other.keeper.check()];
    equal(lives[0], lives[1]);
    await other.known.prefetch(["x"]);
    await deployment.loseAll();
    const life = await one.keeper.check();
    equal(await other.keeper.check(), life);
    equal(await one.keeper.check(), life);
    ok(life !== lives[0]);
  });

  it("is put back only once what was resolved over it is on the log, or never will be (S2)", async () => {
    const deployment = await openReady();
    const process = deployment.start();
    await process.keeper.check();
    const published = process.keeper.expect();
    await deployment.index.putIfAbsent([{ key: "b:x", value: "1-a" }]);
    await deployment.loseAll();
    const checking = process.keeper.check();
    await new Promise((resolve) => setImmediate(resolve));
    await bear(deployment, process, "x", "1-a");
    await deployment.loseAll();
    published();
    await checking;
    await process.known.prefetch(["x"]);
    equal(process.known.birthOf("x"), "1-a");
  });

  it("is put back from behind the transactions that were open (S2)", async () => {
    const deployment = await openReady();
    const { log } = deployment;
    const asked: boolean[] = [];
    const read: Log["read"] = (topics, options) => {
      asked.push(options.awaitsOpen === true);
      return log.read(topics, options);
    };
    await deployment.start({ log: { ...log, read } }).keeper.check();
    deepEqual(asked, [true]);
  });

  it("is not taken for whole by who puts it back while it is lost again and another claims it (S2)", async () => {
    const deployment = await openReady();
    const dead = deployment.start();
    await dead.keeper.check();
    await bear(deployment, dead, "x", "1-a");
    await deployment.loseAll();
    const { log, index } = deployment;
    const lost = Promise.withResolvers<void>();
    // Everything is restored by then, and nothing marked.
    const putIfAbsent: Index["putIfAbsent"] = async (entries) => {
      await lost.promise;
      return await index.putIfAbsent(entries);
    };
    const first = deployment.start({ index: { ...index, putIfAbsent } });
    const checking = first.keeper.check();
    await new Promise((resolve) => setImmediate(resolve));
    await deployment.loseAll();
    // Dies behind its claim.
    void deployment.start({ log: { ...log, endOffsets: () => new Promise(() => {}) } }).keeper.check();
    await new Promise((resolve) => setImmediate(resolve));
    lost.resolve();
    await checking;
    await first.keeper.check();
    first.known.forget();
    await first.known.prefetch(["x"]);
    equal(first.known.birthOf("x"), "1-a");
  });

  it("keeps nothing that the log contradicts after any history of births, joins, marks and losses (S2)", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("bear" as const), key: fc.nat(12) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("join" as const), key: fc.nat(12) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("mark" as const), key: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("lose" as const), key: fc.nat(6) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), key: fc.nat(1) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), async (steps) => {
        const deployment = await openReady();
        const processes = [deployment.start(), deployment.start()];
        const births = new Map<string, string>();
        const parents = new Map<string, string>();
        for (const [place, { kind, key }] of steps.entries()) {
          const process = processes[place % 2] as Process;
          const { keeper } = process;
          if (kind === "lose") await (key === 6 ? deployment.loseAll() : deployment.loseLast(key));
          else if (kind === "restart") processes[key % 2] = deployment.start();
          else await keeper.check();
          const name = `k${key}`;
          if (kind === "bear" && !births.has(name)) {
            births.set(name, `1-${"a".repeat(key + 1)}`);
            await bear(deployment, process, name, births.get(name) as string);
          }
          const [child, parent] = [births.get(name), births.get("k0")];
          if (kind === "join" && key > 0 && child !== undefined && parent !== undefined && !parents.has(child)) {
            parents.set(child, parent);
            await join(deployment, process, child, parent);
          }
          if (kind === "mark") await keeper.mark();
        }
        for (const { keeper } of processes) await keeper.check();
        const { known } = processes[0] as Process;
        known.forget();
        await known.prefetch([...births.keys()]);
        for (const [name, birth] of births) {
          equal(known.birthOf(name), birth);
          equal(known.parentOf(birth), parents.get(birth) ?? null);
        }
      }),
      runs(500),
    );
  });
});
