// npm run bench: how many events a second go from a channel topic to committed outputs, with everything on, beside what
// a raw kafkajs consumer that does nothing reads of the same topic on the same machine. Real processes, real services.
//
//   npm run bench -- [--events N] [--people N] [--seed N] [--shape uniform|zipf] [--interval 100ms] [--json]
//                    [--stitchers N]    that share the shards out; the resolver is one
//                    [--profile DIR]    writes a CPU profile of each worker
//
// Not measured: latency, another machine for the services.

import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readArguments } from "#support/arguments.ts";
import kafkajs, { type Admin } from "kafkajs";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { INPUT_COMPATIBILITY, openRegistryCodec } from "#adapters/registry/codec.ts";
import { makeFolder } from "#support/folder.ts";
import { endOnInterruption } from "#support/interruption.ts";
import { readStatus, startServices, stopServices } from "../../infra/services.ts";
import { createLoad, type LoadOptions } from "./load.ts";

const DIRECTORY = resolve(import.meta.dirname, "../../.weft/bench-services");
const CLOCK_TICKS = 100;
/** An event may wait for a hand-over, which is asked for and answered over the inner log, and both may be passed on. */
const HOME_ROUNDS = 4;
const OUTPUTS = ["profile-state", "profile-changed"];

const USAGE =
  "npm run bench -- [--events N] [--people N] [--seed N] [--shape uniform|zipf] [--interval 100ms] [--stitchers N] [--profile DIR] [--json]";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      events: { type: "string", default: "300000" },
      people: { type: "string", default: "150000" },
      seed: { type: "string", default: "1" },
      shape: { type: "string", default: "uniform" },
      interval: { type: "string", default: "100ms" },
      stitchers: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      profile: { type: "string" },
    },
  }),
);
const load: LoadOptions = {
  events: Number(values.events),
  people: Number(values.people),
  seed: Number(values.seed),
  shape: values.shape === "zipf" ? "zipf" : "uniform",
};
const say = (line: string) => process.stderr.write(`${line}\n`);

/** User and system time of a process, seconds. */
function readCpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

async function consumeRaw(kafka: kafkajs.Kafka, topic: string): Promise<number> {
  const consumer = kafka.consumer({
    groupId: `bench-${Math.random()}`,
    maxWaitTimeInMs: 50,
    maxBytesPerPartition: 2 * 1024 * 1024,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let count = 0;
  let startedAt = 0;
  let untimed = 0;
  const perSecond = await new Promise<number>((done, fail) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          // The clock starts with the first batch in hand: what it holds was read before.
          if (count === 0) {
            startedAt = performance.now();
            untimed = batch.messages.length;
          }
          count += batch.messages.length;
          if (count >= load.events) done((count - untimed) / ((performance.now() - startedAt) / 1000));
        },
      })
      .catch(fail);
  });
  await consumer.disconnect();
  return perSecond;
}

async function sumOffsets(admin: Admin, groupId: string, topics: string[]): Promise<number> {
  const offsets = await admin.fetchOffsets({ groupId, topics });
  return offsets
    .flatMap(({ partitions }) => partitions)
    .reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
}

/** Whether the group has passed these ends, each partition for itself: a quick one goes on with what comes after. */
async function hasPassed(admin: Admin, groupId: string, topic: string, ends: ReadonlyMap<number, number>) {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  // The last offset of a partition is the mark that ends a transaction, which nobody consumes.
  return (offsets?.partitions ?? []).every(({ partition, offset }) => Number(offset) >= (ends.get(partition) ?? 0) - 1);
}

/** Grows with each output that is committed, and with nothing else of this load. */
async function sumOutputs(admin: Admin): Promise<number> {
  const ends = await Promise.all(OUTPUTS.map((topic) => admin.fetchTopicOffsets(topic)));
  return ends.flat().reduce((sum, { high }) => sum + Number(high), 0);
}

async function readEnds(admin: Admin, topic: string): Promise<ReadonlyMap<number, number>> {
  return new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
}

say(`services under ${DIRECTORY}`);
const services = await startServices({ directory: DIRECTORY, report: say, fresh: true });
const folder = makeFolder("bench");
const children: ChildProcess[] = [];
let failed = "";

async function end(): Promise<void> {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
  await stopServices({ directory: DIRECTORY, report: say });
}

endOnInterruption(end);

async function pause(ms: number): Promise<void> {
  if (failed !== "") throw new Error(failed);
  await delay(ms);
}

try {
  const config = join(folder, "weft.yaml");
  writeFileSync(config, `engine:\n  transactionInterval: ${values.interval}\n`);
  const environment = { ...process.env, ...services.environment };
  const profiling = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${resolve(values.profile)}`];
  const cli = (...args: string[]) =>
    spawn(
      process.execPath,
      [...profiling, resolve(import.meta.dirname, "../../services/cli/main.ts"), "--config", config, ...args],
      { env: environment, stdio: ["ignore", "ignore", "inherit"] },
    );
  const created = cli("topics", "create");
  await new Promise((done) => created.once("exit", done));

  const topic = "channel-web";
  const log = await openKafkaLog({ brokers: services.brokers, clientId: "bench" });
  const codec = await openRegistryCodec({
    url: services.registryUrl,
    schemasDirectory: resolve(import.meta.dirname, "../../schemas"),
    autoRegister: true,
    compatibilityOf: () => INPUT_COMPATIBILITY,
  });
  const encode = await codec.encoder(topic, "ChannelEvent");
  let bytes = 0;
  let batch: { topic: string; key: string; value: Uint8Array }[] = [];
  for (const event of createLoad(load)) {
    const value = encode(event);
    bytes += value.length;
    batch.push({ topic, key: event.eventId, value });
    if (batch.length >= 2000) {
      await log.append(batch);
      batch = [];
    }
  }
  await log.append(batch);
  await log.close();
  say(`${load.events} events of ${load.people} people, ${Math.round(bytes / load.events)} bytes each, ${load.shape}`);

  const kafka = new kafkajs.Kafka({
    clientId: "bench-raw",
    brokers: [...services.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  const readRaw = async () =>
    median([await consumeRaw(kafka, topic), await consumeRaw(kafka, topic), await consumeRaw(kafka, topic)]);
  const rawBefore = await readRaw();

  const status = await readStatus({ directory: DIRECTORY });
  const pids = new Map(status.map(({ name, pid }) => [name as string, [pid ?? 0]]));
  for (const verb of ["resolve", ...Array.from({ length: Number(values.stitchers) }, () => "stitch")]) {
    const child = cli(verb);
    child.once("exit", (code) => {
      if (code !== 0) failed = `${verb} ended with ${code}`;
    });
    children.push(child);
    pids.set(verb, [...(pids.get(verb) ?? []), child.pid ?? 0]);
  }
  const readCpu = () =>
    new Map([...pids].map(([name, list]) => [name, list.reduce((sum, pid) => sum + readCpuSeconds(pid), 0)]));
  const position = () => sumOffsets(admin, "weft-resolve", [topic]);
  while ((await position()) === 0) await pause(20);
  const counted = load.events - (await position());
  const begun = { at: performance.now(), cpu: readCpu() };
  // The clock stops with the last output. That it was the last is only known later: a position passes the mark that ends a
  // transaction with the next record, which may be the next tick.
  let ended = { outputs: 0, ...begun };
  const noteOutputs = async () => {
    await pause(50);
    const outputs = await sumOutputs(admin);
    if (outputs !== ended.outputs) ended = { outputs, at: performance.now(), cpu: readCpu() };
  };
  let told = 0;
  while ((await position()) < load.events) {
    await noteOutputs();
    if (performance.now() - told > 5000) say(`resolved ${await position()}`);
    if (performance.now() - told > 5000) told = performance.now();
  }
  for (let round = 0; round < HOME_ROUNDS; round += 1) {
    const ends = await readEnds(admin, "weft.resolved");
    while (!(await hasPassed(admin, "weft-stitch", "weft.resolved", ends))) await noteOutputs();
  }
  const seconds = (ended.at - begun.at) / 1000;
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(children.map((child) => new Promise((done) => child.once("exit", done))));
  const rawAfter = await readRaw();
  await admin.disconnect();

  const raw = median([rawBefore, rawAfter]);
  const perSecond = counted / seconds;
  const usPerEvent = Object.fromEntries(
    [...ended.cpu].map(([name, spent]) => [
      name,
      Number((((spent - (begun.cpu.get(name) ?? 0)) * 1e6) / counted).toFixed(1)),
    ]),
  );
  const result = {
    ...load,
    interval: values.interval,
    stitchers: Number(values.stitchers),
    eventBytes: Math.round(bytes / load.events),
    rawPerSecond: Math.round(raw),
    eventsPerSecond: Math.round(perSecond),
    ratio: `R/${(raw / perSecond).toFixed(1)}`,
    cpuUsPerEvent: usPerEvent,
    cores: cpus().length,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    process.stdout.write(`raw kafkajs consume   R  ${result.rawPerSecond} events/s\n`);
    process.stdout.write(`topic to outputs      E  ${result.eventsPerSecond} events/s = ${result.ratio}\n`);
    process.stdout.write(
      `CPU us per event         ${Object.entries(usPerEvent)
        .map(([name, us]) => `${name} ${us}`)
        .join(", ")}\n`,
    );
    process.stdout.write(
      `${result.cores} cores, seed ${load.seed}, ${load.events} events of ${load.people} people, ${load.shape}, ${result.stitchers} stitch\n`,
    );
  }
} finally {
  await end();
}
