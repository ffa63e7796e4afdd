// The command as people run it: its exit code and what it prints.

import { spawn } from "node:child_process";
import { resolve } from "node:path";

const WEFT = resolve(import.meta.dirname, "../../services/cli/weft.js");

/** Nobody answers there: whoever tries to connect waits. */
export const NOWHERE = {
  WEFT_KAFKA_BROKERS: "127.0.0.1:1",
  WEFT_REGISTRY_URL: "http://127.0.0.1:1",
  WEFT_REDIS_URL: "redis://127.0.0.1:1",
} as const;

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly node?: string;
  /** Beside that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export function runWeft(
  args: readonly string[],
  { input = "", node = process.execPath, environment = {} }: RunOptions = {},
): Promise<Run> {
  return runCommand(node, [WEFT, ...args], { env: { ...process.env, ...environment } }, input);
}

/** To its end, whatever its exit code. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd?: string },
  input = "",
): Promise<Run> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { ...options, stdio: "pipe" });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.on("error", fail);
    child.on("close", (code) => done({ code, out, err }));
    child.stdin.end(input);
  });
}
