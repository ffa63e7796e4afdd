// The admin surface of a process: health and metrics on a port of its own, for this machine unless there are a token and
// TLS, without which the token would be everybody's. It tells nothing of anybody, takes nothing, and says no more of a fault than that there was one.

import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Deployment } from "#services/config/configuration.ts";
import { formatOrigin, InsecureListen, isLoopback, readTls } from "#services/config/listening.ts";
import type { Metrics } from "./metrics.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const HEADER_BYTES_MAX = 8 * 1024;
const CONNECTIONS_MAX = 64;
const TOKEN_LENGTH_MIN = 32;

export class AdminTokenUnusable extends Error {
  readonly code = "admin-token-unusable";
}

export const CONDITIONS = ["starting", "ok", "draining"] as const;
export type Condition = (typeof CONDITIONS)[number];

export interface AdminSurface {
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly text: string;
}

/** Null where the configuration names no port. Throws InsecureListen, AdminTokenUnusable, TlsUnreadable. */
export async function openAdmin(
  { admin: { host, port, tokenFile, tls: files }, dev }: Pick<Deployment, "admin" | "dev">,
  metrics: Pick<Metrics, "contentType" | "tell">,
  condition: () => Condition,
): Promise<AdminSurface | null> {
  if (port === undefined) return null;
  const missing = Object.entries({ tokenFile, tls: files }).flatMap(([key, given]) =>
    given === undefined ? [key] : [],
  );
  if (missing.length > 0 && !dev && !isLoopback(host))
    throw new InsecureListen(`admin.host is ${host}, which others can reach, and admin.${missing[0]} is not given`);
  const tls = readTls(files);
  const token = tokenFile === undefined ? null : digest(`Bearer ${readToken(tokenFile)}`);
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 5,
  };
  const listen = (request: IncomingMessage, response: ServerResponse) => void respond(request, response);
  const server = tls === null ? createServer(limits, listen) : createTlsServer({ ...limits, ...tls }, listen);
  server.maxConnections = CONNECTIONS_MAX;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type = "text/plain", text } = await answer(request).catch(() => FAULT);
    response.writeHead(status, {
      "content-type": type,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    });
    response.end(text);
  }

  async function answer({ method, url, headers }: IncomingMessage): Promise<Answer> {
    if (method !== "GET") return { status: 405, text: "only GET\n" };
    if (url === "/health") {
      const status = condition();
      return { status: status === "ok" ? 200 : 503, type: "application/json", text: `${JSON.stringify({ status })}\n` };
    }
    if (url !== "/metrics") return { status: 404, text: "/health and /metrics are there\n" };
    if (token !== null && !timingSafeEqual(digest(headers.authorization ?? ""), token))
      return { status: 401, text: "a token is needed\n" };
    return { status: 200, type: metrics.contentType, text: await metrics.tell() };
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  return {
    url: formatOrigin(tls === null ? "http" : "https", server.address() as AddressInfo),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const FAULT: Answer = { status: 500, text: "a fault of Weft\n" };

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch {
    throw new AdminTokenUnusable(`${file} cannot be read`);
  }
  if (token.length < TOKEN_LENGTH_MIN)
    throw new AdminTokenUnusable(`${file} holds fewer than ${TOKEN_LENGTH_MIN} characters`);
  return token;
}
