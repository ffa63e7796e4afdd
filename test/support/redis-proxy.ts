// A Redis behind a wire that can be cut, or slowed, at the answer to a script: what a client does when it never hears whether
// its step was taken.

import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** lose-answer: Redis does it, and the connection breaks first. lose-request: it breaks before Redis sees it. */
export type RedisFault = "lose-answer" | "lose-request" | "delay-answer";

export interface RedisProxy {
  readonly url: string;
  /** For the next script that is called. Resolves when it has struck. */
  strike(fault: RedisFault, delayMs?: number): Promise<void>;
  /** Another Redis stands behind it from now on; whoever is connected is cut off. */
  turnTo(target: string): void;
  close(): Promise<void>;
}

interface Planned {
  readonly fault: RedisFault;
  readonly delayMs: number;
  readonly struck: PromiseWithResolvers<void>;
}

const SCRIPT = /\r\nEVALSHA\r\n|\r\nevalsha\r\n|\r\nEVAL\r\n|\r\neval\r\n/;

export async function openRedisProxy(target: string): Promise<RedisProxy> {
  let behind = new URL(target);
  const sockets = new Set<Socket>();
  const plans: Planned[] = [];
  const server = createServer((client) => {
    const redis = connect(Number(behind.port), behind.hostname);
    let doomed: Planned | null = null;
    const cut = () => {
      client.destroy();
      redis.destroy();
    };
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", cut).on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on("data", (bytes: Buffer) => {
      if (plans.length > 0 && doomed === null && SCRIPT.test(bytes.toString("latin1"))) {
        const plan = plans.shift() as Planned;
        if (plan.fault === "lose-request") {
          plan.struck.resolve();
          return cut();
        }
        doomed = plan;
      }
      redis.write(bytes);
    });
    redis.on("data", (bytes: Buffer) => {
      const plan = doomed;
      if (plan === null) return void client.write(bytes);
      plan.struck.resolve();
      if (plan.fault === "lose-answer") return cut();
      // What comes behind it must not overtake it.
      redis.pause();
      setTimeout(() => {
        doomed = null;
        client.write(bytes);
        redis.resume();
      }, plan.delayMs);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    strike(fault, delayMs = 0) {
      const struck = Promise.withResolvers<void>();
      plans.push({ fault, delayMs, struck });
      return struck.promise;
    },
    turnTo(another) {
      behind = new URL(another);
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((closed) => server.close(closed));
    },
  };
}
