// What the three native services have in common: how one is prepared, launched and asked whether it serves.

import { connect } from "node:net";
import type { Programs } from "./install.ts";

export type ServiceName = "kafka" | "registry" | "redis";

export interface Surroundings {
  readonly programs: Programs;
  /** The service's own folder; it and `data` inside it exist. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly ports: readonly number[];
}

export interface Launch {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ServicePlan {
  readonly name: ServiceName;
  readonly portCount: number;
  /** How long an orderly end may take before it is forced. */
  readonly graceMs: number;
  /** Runs before every launch; repeats change nothing. */
  prepare(surroundings: Surroundings): Promise<void>;
  launch(surroundings: Surroundings): Launch;
  /** Resolves when the service does its work, not merely listens; rejects with what it still lacks. */
  probe(ports: readonly number[]): Promise<void>;
}

export function firstPort(ports: readonly number[]): number {
  const port = ports[0];
  if (port === undefined) throw new Error("a service without a port");
  return port;
}

/** Sends bytes to a local port and collects the answer until `isWhole`. */
export async function exchangeBytes(
  port: number,
  request: Uint8Array,
  isWhole: (answer: Buffer) => boolean,
  waitMs = 2_000,
): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let answer: Buffer = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(waitMs, () => fail(new Error(`no answer on port ${port} within ${waitMs} ms`)));
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (!isWhole(answer)) return;
      socket.destroy();
      resolve(answer);
    });
    socket.on("error", fail);
    socket.on("close", () => reject(new Error(`port ${port} closed without an answer`)));
  });
}
