// The API as a process: who may listen where, the keys and tokens that it knows, the server over what the process that
// starts it brings.

import type { AddressInfo } from "node:net";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { Metrics } from "#services/admin/metrics.ts";
import { formatOrigin, InsecureListen, isLoopback, readTls } from "#services/config/listening.ts";
import { KeyRing } from "./api-key.ts";
import { AuditTrail } from "./audit.ts";
import { Authenticator } from "./authenticator.ts";
import { createServer, type ServerOptions } from "./server.ts";
import { type ApiSurroundings, createServices, type Patience } from "./services.ts";
import { createTokenVerifier } from "./token.ts";

const CALL_MS = 2000;
const HEARTBEAT_MS = 15_000;
const FAILURES_PER_MINUTE = 120;
const REQUEST_TIMEOUT_MS = 10_000;

export interface ApiOptions {
  readonly logger: FastifyBaseLogger;
  /** Default: nobody reads them. */
  readonly metrics?: Metrics;
  readonly port?: number;
  /** Told the key of the first start, where there is no other credential. */
  onFirstKey?(key: string): void;
  /** For tests: shorter than anybody would want them. */
  readonly limits?: Partial<Patience & Pick<ServerOptions, "failuresPerMinute" | "requestTimeoutMs" | "exportTimes">>;
}

export interface RunningApi {
  readonly url: string;
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

export async function openApi(surroundings: ApiSurroundings, options: ApiOptions): Promise<FastifyInstance> {
  const { deployment } = surroundings.loaded;
  const { api, identityKey } = deployment;
  const { logger, metrics = new Metrics(["api"]), limits = {} } = options;
  const keys = new KeyRing(identityKey.bytes, api.keysFile, api.keys);
  if (keys.isEmpty && api.oidc === undefined) options.onFirstKey?.(keys.createFirst());
  const verifier = api.oidc === undefined ? null : createTokenVerifier(api.oidc);
  const { waitMs = api.waitMaxMs, callMs = CALL_MS, heartbeatMs = HEARTBEAT_MS } = limits;
  const closing = new AbortController();
  const audit = await AuditTrail.open(api.auditFile, identityKey.bytes);
  const { n, chain } = audit.head;
  logger.info({ auditHead: `${n}:${chain}` }, "audit trail");
  try {
    return await createServer({
      audit,
      services: createServices(surroundings, { waitMs, callMs, heartbeatMs }, { closing: closing.signal, logger }),
      closing,
      authenticator: new Authenticator(keys, verifier, surroundings.hash),
      logger,
      metrics,
      tls: readTls(api.tls),
      requestsPerMinute: api.requestsPerMinute,
      failuresPerMinute: limits.failuresPerMinute ?? FAILURES_PER_MINUTE,
      requestTimeoutMs: limits.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      ...(limits.exportTimes === undefined ? {} : { exportTimes: limits.exportTimes }),
    });
  } catch (error) {
    await audit.close();
    throw error;
  }
}

export async function startApi(surroundings: ApiSurroundings, options: ApiOptions): Promise<RunningApi> {
  const { dev, api } = surroundings.loaded.deployment;
  const { host, port, tls } = api;
  requireSecurity(host, tls !== undefined, dev);
  const app = await openApi(surroundings, options);
  await app.listen({ host, port: options.port ?? port });
  return {
    url: formatOrigin(tls === undefined ? "http" : "https", app.server.address() as AddressInfo),
    app,
    close: () => app.close(),
  };
}

/** Throws InsecureListen: credentials and profiles would travel in the clear. */
export function requireSecurity(host: string, hasTls: boolean, dev: boolean): void {
  if (hasTls || dev || isLoopback(host)) return;
  throw new InsecureListen(`api.host is ${host}, which others can reach, and api.tls is not given`);
}
