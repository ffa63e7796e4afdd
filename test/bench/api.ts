// npm run bench:api: how long a look-up by phone takes over HTTP beside what a plain GET of the same Redis takes in the same
// run, while other events come in. Both are sent at their own times, not when the one before is answered, so a wait counts.
//
//   npm run bench:api -- [--people N] [--rate N] [--events N] [--seconds N] [--seed N] [--json]
//     --rate    look-ups a second, and as many GETs     --events  events a second meanwhile
//
// Not measured: a Redis or Kafka on another machine, several API processes, TLS.

import { spawn } from "node:child_process";
import { Redis } from "ioredis";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import { readArguments } from "#support/arguments.ts";
import { Deployment } from "#support/deployment.ts";
import { endOnInterruption } from "#support/interruption.ts";
import { Worker } from "#support/workers.ts";
import { startServices, stopServices } from "../../infra/services.ts";
import { createDice } from "./dice.ts";

const DIRECTORY = resolve(import.meta.dirname, "../../.weft/bench-services");
const ORDERS = 3;
const WARMING_MS = 3000;
const SPARE_MS = 2000;

const USAGE = "npm run bench:api -- [--people N] [--rate N] [--events N] [--seconds N] [--seed N] [--json]";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      people: { type: "string", default: "2000" },
      rate: { type: "string", default: "200" },
      events: { type: "string", default: "50" },
      seconds: { type: "string", default: "30" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
    },
  }),
);
const [people, rate, eventsPerSecond, seconds, seed] = [
  values.people,
  values.rate,
  values.events,
  values.seconds,
  values.seed,
].map(Number) as [number, number, number, number, number];
const say = (line: string) => process.stderr.write(`${line}\n`);
const roll = createDice(seed);

const phoneOf = (person: number) => `+336${String(10_000_000 + person)}`;

function describeOrder(person: number, eventId: string) {
  return {
    source: "store",
    eventId,
    type: "order-placed",
    occurredAt: "2026-01-05T10:00:00Z",
    identifiers: [{ namespace: "customer", value: `C-${person}` }],
    order: {
      orderId: eventId,
      currency: "EUR",
      totalMinor: 4900,
      lines: [{ productId: "MUG-01", quantity: 1, unitPriceMinor: 4900 }],
    },
  };
}

function* listEvents(): Generator<object> {
  for (let person = 0; person < people; person += 1) {
    yield {
      source: "crm",
      eventId: `k-${person}`,
      type: "traits-changed",
      occurredAt: "2026-01-05T09:00:00Z",
      identifiers: [
        { namespace: "customer", value: `C-${person}` },
        { namespace: "phone", value: phoneOf(person) },
      ],
      traits: { firstName: "Ana", lastName: `N${person}` },
    };
    for (let n = 0; n < ORDERS; n += 1) yield describeOrder(person, `o-${person}-${n}`);
  }
}

const writeLines = (events: Iterable<object>) => [...events].map((event) => `${JSON.stringify(event)}\n`).join("");

/** Sends at a steady rate and gives the time of each from when it was due to when it was answered, in ms. */
async function measure(perSecond: number, forMs: number, ask: () => Promise<void>): Promise<number[]> {
  const tookMs: number[] = [];
  const asked: Promise<void>[] = [];
  let failure: Error | null = null;
  const startMs = performance.now();
  for (let n = 0; n < (perSecond * forMs) / 1000; n += 1) {
    const dueMs = startMs + (n * 1000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await delay(waitMs);
    const answered = ask().then(() => void tookMs.push(performance.now() - dueMs));
    asked.push(answered.catch((error: Error) => void (failure ??= error)));
    if (failure !== null) break;
  }
  await Promise.all(asked);
  if (failure !== null) throw failure as Error;
  return tookMs.toSorted((a, b) => a - b);
}

const quantile = (sorted: readonly number[], part: number) =>
  Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(2));
const describe = (sorted: readonly number[]) => ({
  count: sorted.length,
  p50Ms: quantile(sorted, 0.5),
  p99Ms: quantile(sorted, 0.99),
  maxMs: quantile(sorted, 1),
});

const services = await startServices({ directory: DIRECTORY, report: say, fresh: true });
const deployment = new Deployment(services, { engine: "{}", yaml: "api: { requestsPerMinute: 1000000 }" });
const redis = new Redis(services.redisUrl);
const workers: Worker[] = [];

async function end(): Promise<void> {
  redis.disconnect();
  await Promise.all(workers.map((worker) => worker.stop()));
  await delay(SPARE_MS);
  await deployment.leave();
  await stopServices({ directory: DIRECTORY, report: say });
}

endOnInterruption(end);

try {
  await deployment.open();
  const keys = ["--json", "api", "keys", "create", "--role", "agent", "--name", "bench"];
  const { key } = JSON.parse(await deployment.mustRun(keys)) as { readonly key: string };
  const [up, api] = [new Worker(deployment, "up"), new Worker(deployment, "api", ["--port", "0"])];
  workers.push(up, api);
  await up.waitFor(/^running$/);
  await deployment.mustRun(["produce"], writeLines(listEvents()));
  await deployment.settle();
  const { hostname, port } = new URL((await api.waitFor(/^listening$/))["url"] as string);
  say(`${people} people with ${ORDERS} orders each`);

  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const lookUp = (): Promise<void> =>
    new Promise((done, fail) => {
      const sent = request(
        { hostname, port, path: "/profiles/agent-view", method: "POST", headers, agent },
        (answer) => {
          if (answer.statusCode !== 200) fail(new Error(`a look-up was answered ${answer.statusCode}`));
          answer.resume().once("end", done);
        },
      );
      sent.once("error", fail);
      sent.end(JSON.stringify({ phone: phoneOf(Math.floor(roll() * people)) }));
    });
  const [, names] = await redis.scan("0", "MATCH", `${deployment.prefix}*p:i/*`, "COUNT", 100_000);
  const get = async (): Promise<void> => void (await redis.getBuffer(names[Math.floor(roll() * names.length)] ?? ""));
  await Promise.all([measure(rate, WARMING_MS, lookUp), measure(rate, WARMING_MS, get)]);

  const events = Array.from({ length: eventsPerSecond * seconds }, (_, n) => describeOrder(n % people, `m-${n}`));
  const { command, options } = deployment.commandOf(["produce"]);
  const producer = spawn(process.execPath, command, { ...options, stdio: ["pipe", "ignore", "inherit"] });
  const producing = measure(eventsPerSecond, seconds * 1000, async () => {
    producer.stdin.write(writeLines(events.splice(0, 1)));
  });
  const [lookUps, gets] = await Promise.all([
    measure(rate, seconds * 1000, lookUp),
    measure(rate, seconds * 1000, get),
  ]);
  await producing;
  producer.stdin.end();
  const [ofLookUps, ofGets] = [describe(lookUps), describe(gets)];
  const ratio = Number((ofLookUps.p99Ms / ofGets.p99Ms).toFixed(1));
  const result = { people, rate, eventsPerSecond, seconds, seed, lookUp: ofLookUps, get: ofGets, ratio };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const line = (name: string, { p50Ms, p99Ms, maxMs }: typeof ofGets) =>
      process.stdout.write(`${name.padEnd(28)} p50 ${p50Ms} ms, p99 ${p99Ms} ms, most ${maxMs} ms\n`);
    line("agent view by phone, HTTP", ofLookUps);
    line("GET of the same Redis", ofGets);
    process.stdout.write(`p99 to p99                   ${ratio}\n`);
  }
} finally {
  await end();
}
