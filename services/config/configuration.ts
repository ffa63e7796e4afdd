// weft.yaml, its rules file, its secret and the environment, together as what a process needs to know. Nothing here
// opens a connection; nothing after here reads the environment.

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  OPERATOR,
  type Configuration,
  type NamespaceConfiguration,
  type Rules,
  type SourceConfiguration,
} from "#core/configuration.ts";
import type { Retention } from "#core/retention.ts";
import { checkNames } from "./consistency.ts";
import { SourceDocument } from "./document.ts";
import { applyOverrides, listOverrides } from "./environment.ts";
import { type IdentityKey, publishedIdentityKey, readIdentityKey } from "./identity-key.ts";
import type { CsvMapping } from "./mapping.ts";
import type { PayloadMapping } from "./payload-mapping.ts";
import { ConfigurationError, type Problem } from "./problem.ts";
import { isMap, omitEmpty, parse, readDocument } from "./reading.ts";
import { readRules } from "./rules-file.ts";
import { type ConfigurationFile, configurationSchema, type Floors } from "./schema.ts";
import { readTransport, type Transport } from "./transport.ts";

export const SHIPPED_FILE = resolve(import.meta.dirname, "default/weft.yaml");

/** What only the shell needs to know: where things run, and how foreign files are read. */
export interface Deployment extends Pick<ConfigurationFile, "dev" | "registry" | "embedded" | "admin"> {
  /** How long a verb that asks once waits for what is away; Infinity: for ever. */
  readonly timeoutMs: number;
  readonly kafka: Omit<ConfigurationFile["kafka"], keyof TransportKeys> & Transport;
  readonly redis: Omit<ConfigurationFile["redis"], keyof TransportKeys> & Transport;
  readonly api: ApiSettings;
  readonly engine: EngineSettings;
  readonly identityKey: IdentityKey;
  /** By source name, for sources whose files are rows. */
  readonly mappings: ReadonlyMap<string, CsvMapping>;
  /** By source name, for sources whose topic holds values of somebody else's. */
  readonly payloadMappings: ReadonlyMap<string, PayloadMapping>;
  readonly retention: Retention;
  /** By source name: below what figures it is to be held back. */
  readonly floors: ReadonlyMap<string, Floors>;
  /** By source name: for the data map, never for the engine. */
  readonly stewardship: ReadonlyMap<string, Stewardship>;
}

type TransportKeys = Pick<ConfigurationFile["kafka"], "tls" | "username" | "passwordFile">;

export interface ApiSettings extends Omit<ConfigurationFile["api"], "waitMax"> {
  readonly waitMaxMs: number;
}

export interface EngineSettings {
  readonly shards: number;
  readonly stitchSlots: number;
  readonly resolverSlots: number;
  readonly tickIntervalMs: number;
  readonly transactionIntervalMs: number;
  readonly transactionTimeoutMs: number;
}

export interface Stewardship {
  readonly owner?: string;
  readonly purpose?: string;
  readonly legalBasis?: string;
  readonly expectedDelayMs?: number;
}

export interface LoadedConfiguration {
  readonly file: string;
  readonly configuration: Configuration;
  readonly deployment: Deployment;
}

/** Throws ConfigurationError with everything that is wrong. Without a path: the shipped default. */
export function loadConfiguration(
  path: string = SHIPPED_FILE,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LoadedConfiguration {
  const problems: Problem[] = [];
  const shipped = omitEmpty(new SourceDocument(SHIPPED_FILE, readFileSync(SHIPPED_FILE, "utf8")).value) as ShippedFile;
  const document = readDocument(path, problems);
  const given = document.value === null ? {} : omitEmpty(document.value);
  const overrides = listOverrides(environment);

  let file: ConfigurationFile | undefined;
  let rules: Rules | undefined;
  let identityKey = publishedIdentityKey();
  let transports: Transports = { kafka: {}, redis: {} };
  if (problems.length === 0) {
    const complete = isMap(given) ? applyOverrides({ ...pickDefaults(shipped), ...given }, overrides) : given;
    file = parse(configurationSchema, complete, document, problems, overrides);
    problems.push(
      ...checkNames(
        given,
        document,
        shipped.namespaces.map((namespace) => namespace.name),
      ),
    );
    const rulesPath =
      isMap(given) && typeof given["rules"] === "string"
        ? resolve(dirname(path), given["rules"])
        : resolve(dirname(SHIPPED_FILE), shipped.rules);
    rules = readRules(rulesPath, problems, document);
    const keyPath = isMap(given) ? given["identityKey"] : undefined;
    if (typeof keyPath === "string") {
      const key = readIdentityKey(resolve(dirname(path), keyPath));
      if ("code" in key) problems.push(document.problem(key.code, ["identityKey"], key.message));
      else identityKey = key;
    }
    if (file !== undefined) transports = readTransports(file, dirname(path), document, problems);
  }
  if (problems.length > 0 || file === undefined || rules === undefined) throw new ConfigurationError(problems);
  return {
    file: path,
    configuration: {
      joinAssurance: file.joinAssurance,
      namespaces: buildNamespaces(file),
      sources: buildSources(file),
      rules,
      purposesWithoutProof: file.purposesWithoutProof,
      declaredFields: file.declaredFields,
    },
    deployment: buildDeployment(file, identityKey, transports),
  };
}

/** Of a configuration that may be broken elsewhere. */
export function findRulesFile(path: string = SHIPPED_FILE): string {
  const problems: Problem[] = [];
  const { value } = readDocument(path, problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  const rules = isMap(value) ? value["rules"] : undefined;
  return typeof rules === "string" ? resolve(dirname(path), rules) : resolve(dirname(SHIPPED_FILE), "rules.yaml");
}

interface ShippedFile {
  readonly namespaces: readonly { readonly name: string }[];
  readonly sources: readonly unknown[];
  readonly rules: string;
}

/** Country and currency have defaults in the schema; these three are too long for one. */
function pickDefaults({ namespaces, sources, rules }: ShippedFile) {
  return { namespaces, sources, rules };
}

function buildNamespaces(file: ConfigurationFile): NamespaceConfiguration[] {
  const count = file.namespaces.length;
  return file.namespaces.map(({ digestOf, foldOf, valuesMax, ...namespace }, index) => ({
    ...namespace,
    strength: namespace.strength ?? count - index,
    ...(valuesMax === undefined ? {} : { valuesMax }),
    ...(digestOf === undefined ? {} : { digestOf }),
    ...(foldOf === undefined ? {} : { foldOf }),
  }));
}

/** Those of the file, and where it names none so: `operator`, which every deployment has. */
function buildSources(file: ConfigurationFile): SourceConfiguration[] {
  const sources = file.sources.map(
    (source): SourceConfiguration => ({
      name: source.name,
      channel: source.channel ?? source.name,
      topic: source.topic ?? `${file.kafka.topicPrefix}channel-${source.name}`,
      assurance: { "*": "claimed", ...source.assurance },
      assuranceByType: source.assuranceByType,
      trustedForOrders: source.trustedForOrders,
      trustedForIdentifiers: source.trustedForIdentifiers,
      rank: source.rank,
      country: source.country ?? file.country,
      currency: source.currency ?? file.currency,
      delivery: source.delivery,
      ...(source.allowedFields === undefined ? {} : { allowedFields: source.allowedFields }),
      ...(source.purpose === undefined ? {} : { purpose: source.purpose }),
      ...(source.legalBasis === undefined ? {} : { legalBasis: source.legalBasis }),
      ...(source.legalBasisByField === undefined ? {} : { legalBasisByField: source.legalBasisByField }),
      ...(source.orderIdScope === undefined ? {} : { orderIdScope: source.orderIdScope }),
      ...(source.caseIdScope === undefined ? {} : { caseIdScope: source.caseIdScope }),
    }),
  );
  return sources.some(({ name }) => name === OPERATOR) ? sources : [...sources, createOperatorSource(file)];
}

function createOperatorSource({ kafka, country, currency }: ConfigurationFile): SourceConfiguration {
  return {
    name: OPERATOR,
    channel: OPERATOR,
    topic: `${kafka.topicPrefix}weft.operator`,
    assurance: { "*": "operator" },
    assuranceByType: {},
    trustedForOrders: false,
    trustedForIdentifiers: true,
    // A correction outranks whatever sources say.
    rank: -1,
    country,
    currency,
    delivery: "live",
  };
}

interface Transports {
  readonly kafka: Transport;
  readonly redis: Transport;
}

function readTransports(
  file: ConfigurationFile,
  folder: string,
  document: SourceDocument,
  problems: Problem[],
): Transports {
  const read = (section: "kafka" | "redis") =>
    readTransport(file[section], folder, (code, key, message) => {
      problems.push(document.problem(code, [section, ...key], message));
    });
  return { kafka: read("kafka"), redis: read("redis") };
}

function buildDeployment(file: ConfigurationFile, identityKey: IdentityKey, transports: Transports): Deployment {
  const { registry, embedded, engine, admin, dev } = file;
  const { tls: _kafkaTls, username: _user, passwordFile: _file, ...kafka } = file.kafka;
  const { tls: _redisTls, username: _redisUser, passwordFile: _redisFile, ...redis } = file.redis;
  const { waitMax, ...api } = file.api;
  return {
    dev,
    timeoutMs: file.timeout === 0 ? Number.POSITIVE_INFINITY : file.timeout,
    kafka: { ...kafka, ...transports.kafka },
    registry,
    redis: { ...redis, ...transports.redis },
    embedded,
    admin,
    api: { ...api, waitMaxMs: waitMax },
    engine: {
      shards: engine.shards,
      stitchSlots: engine.stitchSlots,
      resolverSlots: engine.resolverSlots,
      tickIntervalMs: engine.tickInterval,
      transactionIntervalMs: engine.transactionInterval,
      transactionTimeoutMs: engine.transactionTimeout,
    },
    identityKey,
    retention: {
      rules: file.retention.rules.map(({ purpose, whom, after }) => ({ purpose, whom, afterMs: after })),
      contacts: file.retention.contacts,
    },
    mappings: new Map(
      file.sources.flatMap(({ name, mapping }) => (mapping?.format === "csv" ? [[name, mapping] as const] : [])),
    ),
    payloadMappings: new Map(
      file.sources.flatMap(({ name, mapping }) =>
        mapping === undefined || mapping.format === "csv" ? [] : [[name, mapping as PayloadMapping] as const],
      ),
    ),
    floors: new Map(
      file.sources.flatMap(({ name, floors }) => (floors === undefined ? [] : [[name, floors] as const])),
    ),
    stewardship: new Map(
      file.sources.map(({ name, owner, purpose, legalBasis, expectedDelay }) => [
        name,
        {
          ...(owner === undefined ? {} : { owner }),
          ...(purpose === undefined ? {} : { purpose }),
          ...(legalBasis === undefined ? {} : { legalBasis }),
          ...(expectedDelay === undefined ? {} : { expectedDelayMs: expectedDelay }),
        },
      ]),
    ),
  };
}
