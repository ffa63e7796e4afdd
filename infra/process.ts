// Child processes that outlive the program that started them, and how to recognise them later: a pid alone may have
// been given to another program since, so a process is its pid together with the instant of its start.

import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal if and only if it is the same run of the same process. */
  readonly startMark: string;
}

/** The start mark of a living process; null where there is none (or only a zombie, which serves nobody). */
export function readStartMark(pid: number): string | null {
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The command name stands in parentheses and may itself hold spaces and parentheses: count from the last one.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const state = fields[0];
      const startTicks = fields[19];
      if (state === "Z" || state === "X" || startTicks === undefined) return null;
      // Ticks count from the boot: the same number may come back after a reboot.
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${startTicks}`;
    } catch {
      return null;
    }
  }
  try {
    const line = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return line === "" || line.startsWith("Z") ? null : line.replace(/^\S+\s+/, "");
  } catch {
    return null;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return readStartMark(identity.pid) === identity.startMark;
}

export function identifySelf(): ProcessIdentity {
  return { pid: process.pid, startMark: readStartMark(process.pid) ?? "unknown" };
}

export interface DetachedOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly logFile: string;
}

/** Starts a process in a session of its own (a Ctrl-C in this terminal does not reach it), output appended to its log. */
export function startDetached(options: DetachedOptions): ProcessIdentity {
  const log = openSync(options.logFile, "a");
  try {
    const child = spawn(options.command, options.arguments, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      detached: true,
      stdio: ["ignore", log, log],
    });
    // Without a listener a missing command would end this program from an event; the pid below says it too.
    child.on("error", () => {});
    child.unref();
    if (child.pid === undefined) throw new Error(`cannot start ${options.command}`);
    // A process that is gone already is seen as dead by the first look at it.
    return { pid: child.pid, startMark: readStartMark(child.pid) ?? "gone" };
  } finally {
    closeSync(log);
  }
}

function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function waitForEnd(identity: ProcessIdentity, waitMs: number): Promise<boolean> {
  const endMs = Date.now() + waitMs;
  while (isAlive(identity)) {
    if (Date.now() > endMs) return false;
    await sleep(50);
  }
  return true;
}

/** SIGTERM, then SIGKILL after `graceMs`. Does nothing to a process that is not the one identified. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  signalProcess(identity, "SIGTERM");
  if (!(await waitForEnd(identity, graceMs))) await killProcess(identity);
}

export async function killProcess(identity: ProcessIdentity): Promise<void> {
  signalProcess(identity, "SIGKILL");
  if (!(await waitForEnd(identity, 10_000))) throw new Error(`process ${identity.pid} did not end`);
}

// Below the ephemeral ranges: a port that a server gives up for a moment (a restart) must not become the local end of
// somebody's outgoing connection, and a client that dials its dead server must not end up connected to itself.
const PORT_FIRST = 20_000;
const PORT_LAST = 29_999;

export async function isPortFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    // A client of whoever was there before may come by, and would keep the server from closing.
    const server = createServer((client) => client.destroy());
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; attempt < 1_000 && ports.size < count; attempt++) {
    const port = PORT_FIRST + Math.floor(Math.random() * (PORT_LAST - PORT_FIRST + 1));
    if (await isPortFree(port)) ports.add(port);
  }
  if (ports.size < count) throw new Error(`found no ${count} free ports between ${PORT_FIRST} and ${PORT_LAST}`);
  return [...ports];
}
