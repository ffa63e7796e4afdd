// The production code under test: the loops, the engine, the index, the memory adapters, and what
// the Kafka adapter knows of how far a slot has read. A planted bug (mutants.ts) is
// a second copy of these modules in which one line reads differently: Node's module hooks give every module of that copy
// an address of its own and replace the line as it is loaded. Production knows nothing of it.

import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as SlotQueue from "#adapters/kafka/slot-queue.ts";
import type * as MemoryIndex from "#adapters/memory/index.ts";
import type * as MemoryStore from "#adapters/memory/store.ts";
import type * as Engine from "#core/engine.ts";
import type * as CodecPort from "#ports/codec.ts";
import type * as LogPort from "#ports/log.ts";
import type * as StorePort from "#ports/store.ts";
import type * as Resolver from "#services/resolver/main.ts";
import type * as Stitcher from "#services/stitcher/main.ts";
import type * as Shard from "#services/stitcher/shard.ts";
import type * as Bundle from "#services/wire/bundle.ts";
import type * as ComponentIndex from "#services/wire/component-index.ts";
import type * as IndexKeeper from "#services/wire/index-keeper.ts";
import type * as Output from "#services/wire/output.ts";
import type * as Part from "#services/wire/part.ts";
import type * as PayloadKeys from "#services/wire/payload-keys.ts";
import type * as PrivacyLedger from "#services/wire/privacy-ledger.ts";
import type * as ProfileReader from "#services/wire/profile-reader.ts";
import type * as Standing from "#services/wire/standing.ts";
import { ROOT } from "#support/source.ts";
import type { Mutant, Patch } from "./mutant.ts";

const SERVICES = pathToFileURL(join(ROOT, "services/")).href;

async function importAll(suffix: string) {
  const load = (path: string) => `${SERVICES}${path}${suffix}`;
  const [
    resolver,
    stitcher,
    shard,
    index,
    output,
    engine,
    store,
    memoryIndex,
    log,
    stores,
    codec,
    people,
    part,
    bundle,
    privacy,
    keeper,
    standing,
    payloadKeys,
    slotQueue,
  ] = await Promise.all([
    import(load("resolver/main.ts")) as Promise<typeof Resolver>,
    import(load("stitcher/main.ts")) as Promise<typeof Stitcher>,
    import(load("stitcher/shard.ts")) as Promise<typeof Shard>,
    import(load("wire/component-index.ts")) as Promise<typeof ComponentIndex>,
    import(load("wire/output.ts")) as Promise<typeof Output>,
    import(load("core/engine.ts")) as Promise<typeof Engine>,
    import(load("adapters/memory/store.ts")) as Promise<typeof MemoryStore>,
    import(load("adapters/memory/index.ts")) as Promise<typeof MemoryIndex>,
    import(load("ports/log.ts")) as Promise<typeof LogPort>,
    import(load("ports/store.ts")) as Promise<typeof StorePort>,
    import(load("ports/codec.ts")) as Promise<typeof CodecPort>,
    import(load("wire/profile-reader.ts")) as Promise<typeof ProfileReader>,
    import(load("wire/part.ts")) as Promise<typeof Part>,
    import(load("wire/bundle.ts")) as Promise<typeof Bundle>,
    import(load("wire/privacy-ledger.ts")) as Promise<typeof PrivacyLedger>,
    import(load("wire/index-keeper.ts")) as Promise<typeof IndexKeeper>,
    import(load("wire/standing.ts")) as Promise<typeof Standing>,
    import(load("wire/payload-keys.ts")) as Promise<typeof PayloadKeys>,
    import(load("adapters/kafka/slot-queue.ts")) as Promise<typeof SlotQueue>,
  ]);
  return {
    startResolver: resolver.startResolver,
    resolverGroup: resolver.RESOLVER_GROUP,
    startStitcher: stitcher.startStitcher,
    stitcherGroup: stitcher.STITCHER_GROUP,
    ShardStitcher: shard.ShardStitcher,
    ComponentIndex: index.ComponentIndex,
    createOutputEncoder: output.createOutputEncoder,
    createEngine: engine.createEngine,
    openMemoryStore: store.openMemoryStore,
    openMemoryIndex: memoryIndex.openMemoryIndex,
    LogError: log.LogError,
    StoreUnavailable: stores.StoreUnavailable,
    StoreDamaged: stores.StoreDamaged,
    StoreBehind: stores.StoreBehind,
    IndexKeeper: keeper.IndexKeeper,
    PayloadKeys: payloadKeys.PayloadKeys,
    requireStanding: standing.requireStanding,
    RegistryUnavailable: codec.RegistryUnavailable,
    readPeople: people.readPeople,
    readShardComponents: part.readShardComponents,
    readBundle: bundle.readBundle,
    PrivacyLedger: privacy.PrivacyLedger,
    SlotQueue: slotQueue.SlotQueue,
  };
}

export type System = Awaited<ReturnType<typeof importAll>>;

/** As it is. */
export const REFERENCE: System = await importAll("");

const patches = new Map<string, readonly Patch[]>();

function readMark(url: string | undefined): string | null {
  return url === undefined ? null : (/\?planted=([\w-]+)$/.exec(url)?.[1] ?? null);
}

export async function plant({ name, patches: wanted = [] }: Mutant): Promise<System> {
  if (wanted.length === 0) return REFERENCE;
  if (patches.size === 0) installHooks();
  patches.set(name, wanted);
  return await importAll(`?planted=${name}`);
}

function installHooks(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const mark = readMark(context.parentURL);
      if (mark === null || !resolved.url.startsWith(SERVICES) || resolved.url.includes("?")) return resolved;
      return { ...resolved, url: `${resolved.url}?planted=${mark}` };
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const mark = readMark(url);
      if (mark === null || loaded.source === undefined || loaded.source === null) return loaded;
      const path = url.slice(SERVICES.length, url.indexOf("?"));
      let source =
        typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString("utf8");
      for (const { file, from, to } of patches.get(mark) ?? []) {
        if (file !== path) continue;
        if (source.split(from).length !== 2) throw new Error(`${mark}: ${file} has not exactly one "${from}"`);
        source = source.replace(from, () => to);
      }
      return { ...loaded, source };
    },
  });
}
