// A broker behind a wire that can be cut at a chosen request: what a client does when it never hears the answer. The
// brokers' own port in their answers is replaced by the proxy's, or clients would go past it.

import { createServer, connect, type AddressInfo, type Socket } from "node:net";

/** Kafka's numbers of requests. */
export const API = { produce: 0, heartbeat: 12, endTxn: 26, txnOffsetCommit: 28 } as const;

/**
 * lose-answer: the broker does it, and the connection breaks before anybody hears of it. lose-request: the connection
 * breaks before the broker sees it. swallow-request: the broker never sees it, and the connection stays. delay-answer: the
 * broker does it, and what it answers on this connection comes late.
 */
export type Fault = "lose-answer" | "lose-request" | "swallow-request" | "delay-answer";

export interface KafkaProxy {
  readonly broker: string;
  /** For the next request of this kind. Resolves when it has struck. */
  strike(api: number, fault: Fault, delayMs?: number): Promise<void>;
  close(): Promise<void>;
}

interface Planned {
  readonly api: number;
  readonly fault: Fault;
  readonly delayMs: number;
  readonly struck: PromiseWithResolvers<void>;
}

export async function openKafkaProxy(target: string): Promise<KafkaProxy> {
  const [host = "", port = ""] = target.split(":");
  const sockets = new Set<Socket>();
  const plans: Planned[] = [];

  function takePlan(api: number): Planned | undefined {
    const at = plans.findIndex((plan) => plan.api === api);
    return at < 0 ? undefined : plans.splice(at, 1)[0];
  }

  const server = createServer((client) => {
    const broker = connect(Number(port), host);
    const doomed = new Map<number, Planned>();
    let lateUntilMs = 0;
    const cut = () => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    eachFrame(client, (frame) => {
      const plan = takePlan(frame.readInt16BE(4));
      const isAnswer = plan?.fault === "lose-answer" || plan?.fault === "delay-answer";
      if (isAnswer) doomed.set(frame.readInt32BE(8), plan);
      else plan?.struck.resolve();
      if (plan?.fault === "lose-request") cut();
      if (plan === undefined || isAnswer) broker.write(frame);
    });
    eachFrame(broker, (frame) => {
      const plan = doomed.get(frame.readInt32BE(4));
      const pass = () => {
        if (!client.destroyed) client.write(replacePort(frame, host, Number(port), ownPort()));
      };
      plan?.struck.resolve();
      if (plan?.fault === "lose-answer") return cut();
      // A broker answers a connection in order, so what is behind a late answer is late too.
      if (plan !== undefined) lateUntilMs = performance.now() + plan.delayMs;
      const lateMs = lateUntilMs - performance.now();
      if (lateMs > 0) setTimeout(pass, lateMs);
      else pass();
    });
  });
  const ownPort = () => (server.address() as AddressInfo).port;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));

  return {
    broker: `127.0.0.1:${ownPort()}`,
    strike(api, fault, delayMs = 0) {
      const struck = Promise.withResolvers<void>();
      plans.push({ api, fault, delayMs, struck });
      return struck.promise;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Requests and answers alike begin with their length. */
function eachFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const size = 4 + rest.readInt32BE(0);
      const frame = rest.subarray(0, size);
      rest = rest.subarray(size);
      take(frame);
    }
  });
}

/** A broker's address is its host with a length before it, and its port in four bytes after it. */
function replacePort(frame: Buffer, host: string, from: number, to: number): Buffer {
  const address = Buffer.alloc(2 + host.length + 4);
  address.writeInt16BE(host.length);
  address.write(host, 2);
  address.writeInt32BE(from, 2 + host.length);
  const at = frame.indexOf(address);
  if (at < 0) return frame;
  const replaced = Buffer.from(frame);
  for (let found = at; found >= 0; found = replaced.indexOf(address, found + 1))
    replaced.writeInt32BE(to, found + 2 + host.length);
  return replaced;
}
