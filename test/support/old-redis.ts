// A Redis that says which release it is, that its settings are safe, and nothing else. On 127.0.0.2, which a program that knows
// its own machine by its usual names takes for another one.

import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

const HOST = "127.0.0.2";
const SAFE: Readonly<Record<string, string>> = { "maxmemory-policy": "noeviction", appendonly: "yes" };

export interface OldRedis {
  readonly url: string;
  close(): void;
}

export async function startOldRedis(version: string): Promise<OldRedis> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    let rest = "";
    socket.on("data", (chunk) => {
      rest += chunk.toString();
      for (let call = takeCall(rest); call !== null; call = takeCall(rest)) {
        rest = call.rest;
        socket.write(answer(version, call.words));
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, HOST, done));
  return {
    url: `redis://${HOST}:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function answer(version: string, [verb = "", , name = ""]: readonly string[]): string {
  const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
  if (/^info$/i.test(verb)) return bulk(`redis_version:${version}\r\nredis_mode:standalone\r\nloading:0\r\n`);
  if (/^config$/i.test(verb)) return `*2\r\n${bulk(name)}${bulk(SAFE[name] ?? "")}`;
  return "+OK\r\n";
}

/** null: it has not come whole. */
function takeCall(text: string): { readonly words: string[]; readonly rest: string } | null {
  const lines = text.split("\r\n");
  const count = Number(/^\*(\d+)$/.exec(lines[0] ?? "")?.[1]);
  // Each word has a line of its length before it, and what follows begins behind the last one's end.
  if (Number.isNaN(count) || lines.length < 2 + 2 * count) return null;
  const words = Array.from({ length: count }, (_, n) => lines[2 + 2 * n] ?? "");
  return { words, rest: lines.slice(1 + 2 * count).join("\r\n") };
}
