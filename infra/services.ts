// Kafka, the schema registry and Redis on this machine without containers.
//
//   npm run services -- start | stop | status [--json] [--directory DIR]
//
// A directory holds one set: `state.json` says which process is which, `logs/` what they printed, and a folder per
// service its data, which outlives a stop. Only processes that this program started are ever ended.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Programs, Report } from "./install.ts";
import { requirePrograms, ServicesUnavailable, writeFileWhole } from "./install.ts";
import { KAFKA_PLAN } from "./kafka.ts";
import { withLock } from "./lock.ts";
import type { ProcessIdentity } from "./process.ts";
import { endProcess, findFreePorts, isAlive, isPortFree, killProcess, startDetached } from "./process.ts";
import { REDIS_PLAN } from "./redis.ts";
import { REGISTRY_PATH, REGISTRY_PLAN } from "./registry.ts";
import type { ServiceName, ServicePlan } from "./service.ts";
import { firstPort } from "./service.ts";

export type { ServiceName } from "./service.ts";
export { ServicesUnavailable } from "./install.ts";

const PLANS: readonly ServicePlan[] = [KAFKA_PLAN, REGISTRY_PLAN, REDIS_PLAN];
const READY_WAIT_MS = 120_000;
/** A first start may wait for another one's downloads. */
const LOCK_WAIT_MS = 900_000;
const PORT_ATTEMPTS = 3;
/** Before a service that must come back where it was tries its port again. */
const PORT_WAIT_MS = 2_000;

interface ServiceState {
  readonly ports: readonly number[];
  /** null: stopped, the ports are kept for the next start. */
  readonly process: ProcessIdentity | null;
  /** ISO instant of the last start. */
  readonly startedAt: string;
}

type State = Partial<Record<ServiceName, ServiceState>>;

export interface RunningServices {
  readonly directory: string;
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly redisUrl: string;
  /** What the product's processes and tests read. */
  readonly environment: Readonly<Record<"WEFT_KAFKA_BROKERS" | "WEFT_REGISTRY_URL" | "WEFT_REDIS_URL", string>>;
}

export interface StartOptions {
  readonly directory: string;
  readonly report?: Report;
  /** Begin without the data of earlier runs; nothing is wiped under a service that still runs. */
  readonly fresh?: boolean;
}

export interface ServiceStatus {
  readonly name: ServiceName;
  /** stopped: ended on purpose or never started. dead: its process is gone though nobody stopped it. */
  readonly state: "ready" | "not-ready" | "dead" | "stopped";
  readonly pid: number | null;
  readonly ports: readonly number[];
  readonly startedAt: string | null;
  /** Why it is not ready. */
  readonly detail: string | null;
}

function stateFile(directory: string): string {
  return join(directory, "state.json");
}

function readState(directory: string): State {
  const file = stateFile(directory);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as State) : {};
}

/** Synchronous on purpose: three starts share the file and each must find the others' entries in it. */
function writeService(directory: string, name: ServiceName, service: ServiceState): void {
  writeFileWhole(stateFile(directory), `${JSON.stringify({ ...readState(directory), [name]: service }, null, 2)}\n`);
}

function logFile(directory: string, name: ServiceName): string {
  return join(directory, "logs", `${name}.log`);
}

function readLogTail(directory: string, name: ServiceName, fromByte: number): string {
  const file = logFile(directory, name);
  return existsSync(file) ? readFileSync(file).subarray(fromByte).toString("utf8").slice(-4_000) : "";
}

function livingProcess(service: ServiceState | undefined): ProcessIdentity | null {
  const process = service?.process ?? null;
  return process !== null && isAlive(process) ? process : null;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed" and keeps the reason below.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

class PortTaken extends Error {}

async function waitUntilReady(
  directory: string,
  plan: ServicePlan,
  service: ServiceState,
  logFromByte: number,
): Promise<void> {
  const endMs = Date.now() + READY_WAIT_MS;
  for (;;) {
    let lacking: string;
    try {
      await plan.probe(service.ports);
      // Whoever answered must be ours: a foreign server on the port answers too.
      if (livingProcess(service) !== null) return;
      lacking = "somebody else answers on its port";
    } catch (error) {
      lacking = messageOf(error);
    }
    const isOver = livingProcess(service) === null;
    if (isOver || Date.now() > endMs) {
      const tail = readLogTail(directory, plan.name, logFromByte);
      if (isOver && /already in use|already bound|failed to bind/i.test(tail)) throw new PortTaken(tail);
      const what = isOver ? "ended by itself" : `is not ready after ${READY_WAIT_MS / 1_000} s (${lacking})`;
      throw new Error(`${plan.name} ${what}; its log ends:\n${tail}`);
    }
    await sleep(100);
  }
}

async function launchService(
  directory: string,
  plan: ServicePlan,
  ports: readonly number[],
  programs: Programs,
): Promise<void> {
  const serviceDirectory = join(directory, plan.name);
  const dataDirectory = join(serviceDirectory, "data");
  mkdirSync(dataDirectory, { recursive: true });
  mkdirSync(join(directory, "logs"), { recursive: true });
  const surroundings = { programs, directory: serviceDirectory, dataDirectory, ports };
  await plan.prepare(surroundings);
  const log = logFile(directory, plan.name);
  const logFromByte = existsSync(log) ? statSync(log).size : 0;
  const process = startDetached({ ...plan.launch(surroundings), directory: serviceDirectory, logFile: log });
  const service: ServiceState = { ports, process, startedAt: new Date().toISOString() };
  writeService(directory, plan.name, service);
  await waitUntilReady(directory, plan, service, logFromByte);
}

async function choosePorts(plan: ServicePlan, service: ServiceState | undefined): Promise<readonly number[]> {
  const earlier = service?.ports ?? [];
  const free = await Promise.all(earlier.map(isPortFree));
  return earlier.length === plan.portCount && free.every(Boolean) ? earlier : await findFreePorts(plan.portCount);
}

async function startService(
  directory: string,
  plan: ServicePlan,
  programs: () => Promise<Programs>,
  report: Report,
  keepsPorts = false,
): Promise<void> {
  const beginMs = Date.now();
  const known = readState(directory)[plan.name];
  const running = livingProcess(known);
  if (known !== undefined && running !== null) {
    await waitUntilReady(directory, plan, known, 0);
    report(`ready     ${plan.name} on port ${firstPort(known.ports)} (pid ${running.pid}, was running)`);
    return;
  }
  const kept = keepsPorts && known?.ports.length === plan.portCount ? known.ports : null;
  for (let attempt = 1; ; attempt++) {
    const ports = kept ?? (await (attempt === 1 ? choosePorts(plan, known) : findFreePorts(plan.portCount)));
    report(`start     ${plan.name} on port ${firstPort(ports)}`);
    try {
      await launchService(directory, plan, ports, await programs());
      const pid = readState(directory)[plan.name]?.process?.pid;
      report(`ready     ${plan.name} on port ${firstPort(ports)} (pid ${pid}, ${Date.now() - beginMs} ms)`);
      return;
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === PORT_ATTEMPTS) throw error;
      report(`retry     ${plan.name}: port taken meanwhile`);
      if (kept !== null) await sleep(PORT_WAIT_MS);
    }
  }
}

function describeServices(directory: string): RunningServices {
  const state = readState(directory);
  const port = (name: ServiceName): number => firstPort(state[name]?.ports ?? []);
  const broker = `127.0.0.1:${port("kafka")}`;
  const registryUrl = `http://127.0.0.1:${port("registry")}${REGISTRY_PATH}`;
  const redisUrl = `redis://127.0.0.1:${port("redis")}`;
  return {
    directory,
    brokers: [broker],
    registryUrl,
    redisUrl,
    environment: { WEFT_KAFKA_BROKERS: broker, WEFT_REGISTRY_URL: registryUrl, WEFT_REDIS_URL: redisUrl },
  };
}

async function lockDirectory<T>(directory: string, run: () => Promise<T>): Promise<T> {
  mkdirSync(directory, { recursive: true });
  return await withLock(join(directory, "lock"), LOCK_WAIT_MS, run);
}

function wipeDirectory(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name !== "lock") rmSync(join(directory, name), { recursive: true, force: true });
  }
}

async function stopService(directory: string, plan: ServicePlan, report: Report): Promise<void> {
  const service = readState(directory)[plan.name];
  if (service === undefined || service.process === null) return;
  if (livingProcess(service) !== null) {
    report(`stop      ${plan.name} (pid ${service.process.pid})`);
    await endProcess(service.process, plan.graceMs);
  }
  writeService(directory, plan.name, { ...service, process: null });
}

/** Starts what does not run yet and waits until all three serve. A failed start ends what it had begun. */
export async function startServices(options: StartOptions): Promise<RunningServices> {
  const directory = resolve(options.directory);
  const report = options.report ?? (() => {});
  return await lockDirectory(directory, async () => {
    const before = readState(directory);
    const idle = PLANS.filter((plan) => livingProcess(before[plan.name]) === null);
    if (options.fresh === true && idle.length === PLANS.length) wipeDirectory(directory);
    // Only a start that launches something needs the programs; all three share one look.
    let found: Promise<Programs> | undefined;
    const programs = async (): Promise<Programs> => await (found ??= requirePrograms(report));
    if (idle.length > 0) await programs();
    const starts = await Promise.allSettled(PLANS.map((plan) => startService(directory, plan, programs, report)));
    const failures = starts.flatMap((start) => (start.status === "rejected" ? [start.reason as unknown] : []));
    if (failures.length > 0) {
      await Promise.all(idle.map((plan) => stopService(directory, plan, report)));
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(messageOf).join("\n"));
    }
    return describeServices(directory);
  });
}

/** Ends the directory's services in order; their data stays. Harmless where nothing runs. */
export async function stopServices(options: { readonly directory: string; readonly report?: Report }): Promise<void> {
  const directory = resolve(options.directory);
  if (!existsSync(stateFile(directory))) return;
  await lockDirectory(directory, async () => {
    await Promise.all(PLANS.map((plan) => stopService(directory, plan, options.report ?? (() => {}))));
  });
}

export async function readStatus(options: { readonly directory: string }): Promise<ServiceStatus[]> {
  const directory = resolve(options.directory);
  const state = readState(directory);
  return await Promise.all(
    PLANS.map(async (plan): Promise<ServiceStatus> => {
      const service = state[plan.name];
      const common = { name: plan.name, ports: service?.ports ?? [], startedAt: service?.startedAt ?? null };
      if (service === undefined || service.process === null) {
        return { ...common, state: "stopped", pid: null, detail: null };
      }
      const pid = service.process.pid;
      if (livingProcess(service) === null) {
        return {
          ...common,
          state: "dead",
          pid,
          detail: `process ${pid} is gone; see ${logFile(directory, plan.name)}`,
        };
      }
      try {
        await plan.probe(service.ports);
        return { ...common, state: "ready", pid, detail: null };
      } catch (error) {
        return { ...common, state: "not-ready", pid, detail: messageOf(error) };
      }
    }),
  );
}

function findPlan(name: ServiceName): ServicePlan {
  const plan = PLANS.find((candidate) => candidate.name === name);
  if (plan === undefined) throw new Error(`no service is called ${name}`);
  return plan;
}

/** SIGKILL, as a crash of the machine would look to its clients. The data stays as it is. */
export async function killService(options: { readonly directory: string; readonly name: ServiceName }): Promise<void> {
  const process = livingProcess(readState(resolve(options.directory))[options.name]);
  if (process !== null) await killProcess(process);
}

/** Starts one service again, on its old ports where they are free, and waits until it serves. */
export async function restartService(options: {
  readonly directory: string;
  readonly name: ServiceName;
  readonly report?: Report;
}): Promise<RunningServices> {
  const directory = resolve(options.directory);
  const report = options.report ?? (() => {});
  return await lockDirectory(directory, async () => {
    const plan = findPlan(options.name);
    await stopService(directory, plan, report);
    // Whoever speaks to it looks for it where it was.
    await startService(directory, plan, () => requirePrograms(report), report, true);
    return describeServices(directory);
  });
}

function formatStatus(status: ServiceStatus): string {
  const pid = status.pid === null ? "" : ` pid ${status.pid}`;
  const port = status.ports[0] === undefined ? "" : ` port ${status.ports[0]}`;
  const since = status.startedAt === null || status.state === "stopped" ? "" : ` since ${status.startedAt}`;
  const detail = status.detail === null ? "" : `: ${status.detail}`;
  return `${status.name.padEnd(9)} ${status.state}${pid}${port}${since}${detail}`;
}

/** Lines that a shell can take in: eval "$(npm run -s services -- start)". */
function printEnvironment(services: RunningServices): void {
  for (const [name, value] of Object.entries(services.environment)) console.log(`export ${name}=${value}`);
}

const USAGE = "usage: npm run services -- start | stop | status [--json] [--directory DIR]";

async function main(): Promise<number> {
  let values: { json?: boolean | undefined; directory?: string | undefined };
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      options: { json: { type: "boolean" }, directory: { type: "string" } },
      allowPositionals: true,
    }));
  } catch (error) {
    console.error(`${messageOf(error)}\n${USAGE}`);
    return 2;
  }
  const directory = resolve(values.directory ?? join(import.meta.dirname, "..", ".weft", "services"));
  // Progress on stderr: stdout holds the result alone.
  const report: Report = (line) => console.error(line);
  const [verb, ...rest] = positionals;
  if (rest.length > 0 || !["start", "stop", "status"].includes(verb ?? "")) {
    console.error(USAGE);
    return 2;
  }
  if (verb === "start") {
    const services = await startServices({ directory, report });
    if (values.json === true) console.log(JSON.stringify(services));
    else printEnvironment(services);
    return 0;
  }
  if (verb === "stop") await stopServices({ directory, report });
  const statuses = await readStatus({ directory });
  const isReady = statuses.every((status) => status.state === "ready");
  if (values.json === true) {
    console.log(
      JSON.stringify({
        directory,
        services: statuses,
        environment: isReady ? describeServices(directory).environment : null,
      }),
    );
  } else {
    for (const status of statuses) console.log(formatStatus(status));
    if (isReady) printEnvironment(describeServices(directory));
  }
  return verb === "stop" || isReady ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof ServicesUnavailable ? error.message : error);
    process.exitCode = 1;
  }
}
