// The API over the demo's week, folded by a real engine over a real embedded log and store, with a client of each role.

import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Writable } from "node:stream";
import type { FastifyInstance } from "fastify";
import pino from "pino";
import { createKey } from "#services/api/api-key.ts";
import { type Client, createClient, type Received, type Sent } from "#services/api/client.ts";
import { type ApiOptions, openApi } from "#services/api/main.ts";
import { type Role, ROLE_NAMES } from "#services/api/role.ts";
import type { ApiSurroundings } from "#services/api/services.ts";
import { foldedWith, openRuntime } from "#services/cli/runtime.ts";
import { openStage, type Stage } from "#services/cli/stage.ts";
import { type LoadedConfiguration, loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { tellStory } from "#services/demo/story.ts";
import { exportSubject } from "#services/wire/subject-export.ts";

export interface TestApi {
  readonly app: FastifyInstance;
  readonly stage: Stage;
  readonly surroundings: ApiSurroundings;
  readonly keys: Readonly<Record<Role, string>>;
  readonly keysFile: string;
  readonly auditFile: string;
  /** Every line that the process has logged. */
  readonly logged: string[];
  as(credential: string | null): Client;
  close(): Promise<void>;
}

export interface TestApiOptions extends Partial<Pick<ApiOptions, "limits" | "onFirstKey">> {
  readonly api?: Partial<LoadedConfiguration["deployment"]["api"]>;
  /** In place of parts of the surroundings: what is away. */
  readonly change?: (surroundings: ApiSurroundings) => Partial<ApiSurroundings>;
  readonly withoutKeys?: boolean;
}

/** Enough for any test that is not about it. */
const REQUESTS_PER_MINUTE = 1_000_000;

export async function playWeek(): Promise<Stage> {
  const stage = await openStage();
  for (const { fromMs, events } of tellStory()) await stage.play(fromMs, events);
  return stage;
}

/** The same people under an engine that waits as a deployment's does: one that hurries keeps the process busy. */
export async function playCalmWeek(): Promise<Stage> {
  const stage = await playWeek();
  await stage.close();
  const configFile = join(stage.folder, "calm.yaml");
  const file = JSON.stringify(stage.loaded.deployment.embedded.file);
  writeFileSync(configFile, `embedded: { file: ${file} }\nengine: { shards: 4, stitchSlots: 1, resolverSlots: 1 }\n`);
  const loaded = loadConfiguration(configFile, {});
  const endMs = Math.max(...tellStory().map(({ fromMs }) => fromMs));
  const runtime = await openRuntime(loaded, { embedded: true, now: () => endMs });
  const memberships = [await runtime.startResolver(), await runtime.startStitcher()];
  return {
    ...stage,
    configFile,
    loaded,
    runtime,
    async close() {
      await Promise.all(memberships.map((membership) => membership.close()));
      await runtime.close();
    },
  };
}

/** A stage for all tests of a file, without an API. */
export function shareStage(open: () => Promise<Stage>, use: (stage: Stage) => void | Promise<void>): void {
  let stage: Stage | null = null;
  before(async () => {
    stage = await open();
    await use(stage);
  });
  after(async () => {
    await stage?.close();
    stage?.remove();
  });
}

/** What a person of the stage is given of what is kept. */
export function exportFromStage({ runtime, loaded }: Stage, namespace: string, value: string) {
  const { lookups, keys, wires } = runtime;
  const { log, codec } = wires;
  const services = { ...lookups, keys, loaded, log, codec, resolvedTopic: topicNames(loaded).resolved };
  return exportSubject(services, namespace, value, "FR");
}

/** Before the tests of a file the API over a stage, after them both are taken away. */
export function serveStage(
  open: () => Promise<Stage>,
  use: (api: TestApi) => void | Promise<void>,
  options: TestApiOptions = {},
): void {
  let api: TestApi | null = null;
  before(async () => {
    api = await openTestApi(await open(), options);
    await use(api);
  });
  after(async () => {
    const stage = api?.stage;
    await api?.close();
    await stage?.close();
    stage?.remove();
  });
}

export function collectLog(): { readonly logged: string[]; readonly logger: pino.Logger } {
  const logged: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString());
      done();
    },
  });
  return { logged, logger: pino({ name: "weft-api" }, sink) };
}

export async function openTestApi(stage: Stage, options: TestApiOptions = {}): Promise<TestApi> {
  const { runtime, loaded, folder } = stage;
  const keysFile = join(folder, "api-keys.json");
  const { bytes } = loaded.deployment.identityKey;
  const made = ROLE_NAMES.map((role) => ({ role, ...createKey(bytes, role, role) }));
  const api = {
    ...loaded.deployment.api,
    keysFile,
    directoryFile: ":memory:",
    passagesFile: join(folder, `api-passages-${randomUUID()}.sqlite`),
    auditFile: join(folder, `api-audit-${randomUUID()}.jsonl`),
    keys: options.withoutKeys === true ? [] : made.map(({ kept: { id, role, hash } }) => `${id}:${role}:${hash}`),
    requestsPerMinute: REQUESTS_PER_MINUTE,
    ...options.api,
  };
  const { lookups, hash, wires } = runtime;
  const whole: ApiSurroundings = {
    ...lookups,
    loaded: { ...loaded, deployment: { ...loaded.deployment, api } },
    hash,
    log: wires.log,
    codec: wires.codec,
    foldedWith: foldedWith(loaded),
    keys: runtime.keys,
  };
  const surroundings = { ...whole, ...options.change?.(whole) };
  const { logged, logger } = collectLog();
  const { limits, onFirstKey } = options;
  const app = await openApi(surroundings, {
    logger,
    limits: { failuresPerMinute: REQUESTS_PER_MINUTE, ...limits },
    ...(onFirstKey === undefined ? {} : { onFirstKey }),
  });
  await app.ready();
  return {
    app,
    stage,
    surroundings,
    keys: Object.fromEntries(made.map(({ role, key }) => [role, key])) as Record<Role, string>,
    keysFile,
    auditFile: api.auditFile,
    logged,
    as: (credential) => createClient((request) => inject(app, request), credential),
    close: () => app.close(),
  };
}

export async function inject(app: FastifyInstance, { method, url, headers, body }: Sent): Promise<Received> {
  const answer = await app.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) });
  const received: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(answer.headers)) received[name] = String(value);
  return { status: answer.statusCode, headers: received, body: answer.body };
}

/** A client of a process of the API. */
export function connect(base: string, key: string): Client {
  return createClient(async ({ method, url, headers, body }) => {
    const response = await fetch(base + url, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  }, key);
}

/** The ids that lead to the profile, as they were told. */
export async function listFormerIds({ log, codec }: ApiSurroundings, profileId: string): Promise<string[]> {
  const former: string[] = [];
  for await (const { key, value } of log.read(["identity-alias"], { from: "start", follow: false })) {
    const decoded = value === null ? null : codec.decode(value);
    const living = decoded?.ok === true ? (decoded.value as { profileId: string | null }).profileId : null;
    if (key !== null && living === profileId) former.push(key);
  }
  return former;
}

/** The body of an answer that must be one. */
export function expectAnswer<Body>(
  reply: { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly problem: unknown },
): Body {
  if (!reply.ok) throw new Error(`a problem: ${JSON.stringify(reply.problem)}`);
  return reply.body;
}
