// Keys of what is said of people on the inner log: who draws one, how long a process believes it, what is left when it is
// destroyed or lost; and what they seal.

import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from "node:assert/strict";
import { createSecretKey, hash, randomBytes } from "node:crypto";
import { json } from "node:stream/consumers";
import { describe, it } from "node:test";
import { getHeapSnapshot } from "node:v8";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryLog } from "#adapters/memory/log.ts";
import type { Index } from "#ports/index.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { IndexKeeper } from "#services/wire/index-keeper.ts";
import {
  CACHED_FOR_MS,
  CACHED_KEYS_MAX,
  DESTROYED,
  indexKey,
  KeyMissing,
  PayloadKeys,
} from "#services/wire/payload-keys.ts";
import { openBytes, pack, PayloadDamaged, sealBytes, unpack } from "#services/wire/sealing.ts";

const TOPIC = "weft.keys";
const LIFE = "life";
const PLAIN = Buffer.from("canary@example.fr");

function open(index: Index = openMemoryIndex()) {
  let nowMs = 0;
  const start = (change: Partial<ConstructorParameters<typeof PayloadKeys>[0]> = {}) =>
    new PayloadKeys({ index, identityKey: Buffer.alloc(32, 1), topic: TOPIC, now: () => nowMs, ...change });
  return { index, start, pass: (ms: number) => (nowMs += ms) };
}

async function openLog() {
  const log = openMemoryLog();
  await log.createTopics([
    { name: "weft.resolved", partitions: 1, config: {} },
    { name: TOPIC, partitions: 1, config: {} },
  ]);
  return log;
}

function openKeeper(index: Index, log: ReturnType<typeof openMemoryLog>): IndexKeeper {
  return new IndexKeeper({
    index,
    known: new ComponentIndex(index),
    log,
    codec: {} as never,
    resolvedTopic: "weft.resolved",
    keysTopic: TOPIC,
    shards: 1,
    waiting: { onWait: () => {} },
    run: "test",
  });
}

/** How many different strings of these digests the process holds. */
async function countInMemory(digests: readonly string[]): Promise<number> {
  const { strings } = (await json(getHeapSnapshot())) as { readonly strings: readonly string[] };
  return new Set(strings.map((text) => hash("sha256", text)).filter((digest) => digests.includes(digest))).size;
}

describe("what is sealed", () => {
  it("has a nonce of its own each time, and so never the same bytes (G1)", () => {
    const key = createSecretKey(randomBytes(32));
    const nonces = new Set(
      Array.from({ length: 20_000 }, () => Buffer.from(sealBytes(key, "x", PLAIN).subarray(0, 12)).toString("hex")),
    );
    equal(nonces.size, 20_000);
  });

  it("opens under its key and name alone, and not once a byte of it is another", () => {
    const key = createSecretKey(randomBytes(32));
    const sealed = sealBytes(key, "x", PLAIN);
    ok(!Buffer.from(sealed).includes(PLAIN));
    deepEqual(Buffer.from(openBytes(key, "x", sealed)), PLAIN);
    throws(() => openBytes(key, "y", sealed), PayloadDamaged);
    throws(() => openBytes(createSecretKey(randomBytes(32)), "x", sealed), PayloadDamaged);
    for (const place of sealed.keys()) {
      const changed = Uint8Array.from(sealed, (byte, at) => (at === place ? byte ^ 1 : byte));
      throws(() => openBytes(key, "x", changed), PayloadDamaged, `byte ${place}`);
    }
    for (const length of [0, 5, 20, sealed.length - 1])
      throws(() => openBytes(key, "x", sealed.subarray(0, length)), PayloadDamaged, `${length} bytes`);
  });

  it("keeps texts apart, the empty one and none among them", () => {
    const texts = [Buffer.from("a"), null, Buffer.alloc(0), randomBytes(70_000)];
    deepEqual(
      unpack(pack(texts)).map((text) => text && Buffer.from(text)),
      texts,
    );
    deepEqual(unpack(pack([])), []);
  });
});

describe("a payload's key", () => {
  it("is one, whoever needs it first", async () => {
    const index = openMemoryIndex();
    const gates: (() => void)[] = [];
    // Both have found nothing before either of them puts.
    const slow: Index = {
      ...index,
      async putIfAbsent(entries) {
        await new Promise<void>((go) => (gates.push(go) === 2 ? gates.forEach((each) => each()) : undefined));
        return await index.putIfAbsent(entries);
      },
    };
    const { start } = open(slow);
    const [a, b] = await Promise.all([start().toSeal(["x"], LIFE), start().toSeal(["x"], LIFE)]);
    deepEqual(Buffer.from(b.open("x", a.seal("x", PLAIN)) ?? []), PLAIN);
    equal(a.openText("x", b.sealText("x", "ana")), "ana");
    deepEqual(a.records, b.records, "and both say so on the log");
  });

  it("stands in index and log wrapped: another identity key opens nothing (G2)", async () => {
    const { index, start } = open();
    const { records } = await start().toSeal(["x"], LIFE);
    const [kept] = await index.get([indexKey("x")]);
    equal(Buffer.from(records[0]?.value ?? []).toString(), kept);
    await rejects(start({ identityKey: Buffer.alloc(32, 2) }).toOpen(["x"]), PayloadDamaged);
    // Nor does it open where it was put under another name.
    await index.restore([{ key: indexKey("y"), value: kept ?? "" }]);
    await rejects(start().toOpen(["y"]), PayloadDamaged);
  });

  it("is written to the log until that is known to hold it, and again in another life of the index (S2)", async () => {
    const { start } = open();
    const keys = start();
    const first = await keys.toSeal(["x"], LIFE);
    equal((await keys.toSeal(["x"], LIFE)).records.length, 1, "whether the first is there nobody knows");
    keys.confirm(first.records);
    deepEqual((await keys.toSeal(["x"], LIFE)).records, []);
    deepEqual((await keys.toSeal(["x"], "another")).records, first.records);
    deepEqual((await start().toSeal(["x"], LIFE)).records, first.records, "so does whoever has not written it");
  });

  it("is believed for a minute at most after it was destroyed, and then opens nothing, for good (G1)", async () => {
    const { start, pass } = open();
    const [one, other] = [start(), start()];
    const sealing = await one.toSeal(["x"], LIFE);
    const [sealed, text] = [sealing.seal("x", PLAIN), sealing.sealText("x", "ana")];
    const records = await other.destroy(["x"]);
    deepEqual(
      records.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]),
      [["x", DESTROYED]],
    );
    equal((await other.toOpen(["x"])).open("x", sealed), null, "whoever destroyed it knows at once");
    pass(CACHED_FOR_MS);
    ok((await one.toOpen(["x"])).open("x", sealed) !== null);
    pass(1);
    const opening = await one.toOpen(["x"]);
    deepEqual([opening.open("x", sealed), opening.openText("x", text)], [null, ""]);
    const late = await one.toSeal(["x"], LIFE);
    deepEqual([late.seal("x", PLAIN).length, late.sealText("x", "ana"), late.records], [0, "", []]);
    equal(opening.open("x", late.seal("x", PLAIN)), null);
    equal((await start().destroy(["x"])).length, 1, "destroyed again: whoever had it on its way may have written it");
  });

  it("is not held beyond its minute, nor is what it has opened, though nobody asks for it again (G1)", async () => {
    const { start, pass } = open();
    const keys = start();
    await keys.toSeal(["x", "y"], LIFE);
    pass(CACHED_FOR_MS / 2);
    await keys.toSeal(["z"], LIFE);
    pass(CACHED_FOR_MS / 2);
    await keys.toOpen(["x"]);
    equal(keys.size, 3);
    pass(CACHED_FOR_MS / 60);
    await keys.toOpen(["x"]);
    equal(keys.size, 2, "x was asked for anew, and z has time left");
    pass(CACHED_FOR_MS + 1);
    await keys.toOpen([]);
    equal(keys.size, 0);
  });

  it("is in nobody's memory once it is destroyed and its minute is over, not even wrapped (G1)", async () => {
    const { start, pass } = open();
    const [one, other] = [start(), start()];
    const digests: string[] = [];
    for (const keys of [one, other]) {
      const { records } = await keys.toSeal(["x"], LIFE);
      keys.confirm(records);
      for (const { value } of records) digests.push(hash("sha256", value ?? ""));
    }
    equal(await countInMemory(digests), 1);
    await one.destroy(["x"]);
    pass(CACHED_FOR_MS + 1);
    for (const keys of [one, other]) await keys.toSeal(["y"], LIFE);
    equal(await countInMemory(digests), 0);
  });

  it("is destroyed whether or not the index still has it, and again by what is published late (G1, S2)", async () => {
    const { index, start } = open();
    const [stale = ""] = await start()
      .toSeal(["x"], LIFE)
      .then(() => index.get([indexKey("x")]));
    const lossy = openMemoryIndex();
    const records = await start({ index: lossy }).destroy(["x"]);
    equal(records.length, 1, "it stands on the topic, from where it would be put back");
    await lossy.restore([{ key: indexKey("x"), value: stale ?? "" }]);
    const other = { topic: "weft.resolved", partition: 0, key: "y", value: Buffer.from(DESTROYED) };
    await start({ index: lossy }).destroyAgain([other, ...records]);
    deepEqual(await lossy.get([indexKey("x"), indexKey("y")]), [DESTROYED, null]);
  });

  it("that is not there is a loss and not an erasure: it is put back, or the reader stops (S2, O4)", async () => {
    const { index, start } = open();
    const { records, ...sealing } = await start().toSeal(["x"], LIFE);
    const sealed = sealing.seal("x", PLAIN);
    const lossy = openMemoryIndex();
    await rejects(start({ index: lossy }).toOpen(["x"]), KeyMissing);
    const [kept] = await index.get([indexKey("x")]);
    const repair = () => lossy.restore([{ key: indexKey("x"), value: kept ?? "" }]);
    deepEqual(Buffer.from((await start({ index: lossy, repair }).toOpen(["x"])).open("x", sealed) ?? []), PLAIN);
    equal(records.length, 1);
  });

  it("is put back with the index, of each name the last word (S2, G1)", async () => {
    const { index, start } = open();
    const keys = start();
    const { records } = await keys.toSeal(["x", "y"], LIFE);
    const log = await openLog();
    await log.append([...records, ...(await keys.destroy(["y"]))]);
    const empty = openMemoryIndex();
    await openKeeper(empty, log).check();
    const names = ["x", "y"].map(indexKey);
    deepEqual(await empty.get(names), await index.get(names));
    equal((await empty.get(names))[1], DESTROYED);
    notDeepEqual(await empty.get(names), [DESTROYED, DESTROYED]);
  });

  it("that came to its topic after the index had been put back is looked for there, and what was drawn since stays (S2)", async () => {
    const { index, start } = open();
    const log = await openLog();
    const whole = openMemoryIndex();
    const keeper = openKeeper(whole, log);
    await keeper.check();
    const { records, ...sealing } = await start().toSeal(["x", "y"], LIFE);
    await log.append(records);
    const other = await start({ index: whole }).toSeal(["y"], LIFE);
    const repair = (names: ReadonlySet<string>) => keeper.checkKeys(names);
    const opening = await start({ index: whole, repair }).toOpen(["x", "y"]);
    deepEqual(Buffer.from(opening.open("x", sealing.seal("x", PLAIN)) ?? []), PLAIN);
    deepEqual(Buffer.from(opening.open("y", other.seal("y", PLAIN)) ?? []), PLAIN);
    deepEqual(await whole.get([indexKey("x")]), await index.get([indexKey("x")]));
    await rejects(start({ index: whole, repair }).toOpen(["z"]), KeyMissing);
  });

  it("is not put back by whoever read the topic before it was destroyed (G1)", async () => {
    const { index, start } = open();
    const keys = start();
    const log = await openLog();
    await log.append((await keys.toSeal(["x"], LIFE)).records);
    // Its word is in the index, and not on the topic yet.
    await keys.destroy(["x"]);
    await openKeeper(index, log).check();
    deepEqual(await index.get([indexKey("x")]), [DESTROYED]);
  });

  it(`is held in memory with no more than ${CACHED_KEYS_MAX} others, and then asked for again`, async () => {
    const index = openMemoryIndex();
    let asked = 0;
    const counting: Index = {
      ...index,
      get(names) {
        asked += names.length;
        return index.get(names);
      },
    };
    const keys = open(counting).start();
    const all = Array.from({ length: CACHED_KEYS_MAX }, (_, n) => `n${n}`);
    await keys.toSeal(all, LIFE);
    asked = 0;
    await keys.toOpen(["n0"]);
    equal(asked, 0);
    await keys.toSeal(["one more"], LIFE);
    asked = 0;
    await keys.toOpen(["n0"]);
    equal(asked, 1);
  });
});
