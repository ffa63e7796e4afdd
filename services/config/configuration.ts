// weft.yaml, its rules file, its secret and the environment, together as what a process needs to know. Nothing here
// opens a connection; nothing after here reads the environment.

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type * as z from "zod";
import {
  ABANDONED_CART,
  OPERATOR,
  type Configuration,
  type NamespaceConfiguration,
  type Rules,
  type SegmentRule,
  type SignalRule,
  type SourceConfiguration,
} from "#core/configuration.ts";
import { checkAudiences, checkLadder, checkNames, checkSignals } from "./consistency.ts";
import { SourceDocument } from "./document.ts";
import { type IdentityKey, publishedIdentityKey, readIdentityKey } from "./identity-key.ts";
import { listProblems } from "./issue.ts";
import type { CsvMapping } from "./mapping.ts";
import type { PayloadMapping } from "./payload-mapping.ts";
import { ConfigurationError, type Problem } from "./problem.ts";
import { type ConfigurationFile, configurationSchema, type RulesFile, rulesSchema } from "./schema.ts";
import { describeShape, type Shape } from "./shape.ts";
import { readTransport, type Transport } from "./transport.ts";

export const SHIPPED_FILE = resolve(import.meta.dirname, "default/weft.yaml");

/** What only the shell needs to know: where things run, and how foreign files are read. */
export interface Deployment extends Pick<ConfigurationFile, "dev" | "registry" | "embedded"> {
  readonly kafka: Omit<ConfigurationFile["kafka"], keyof TransportKeys> & Transport;
  readonly redis: Omit<ConfigurationFile["redis"], keyof TransportKeys> & Transport;
  readonly api: ApiSettings;
  readonly engine: EngineSettings;
  readonly identityKey: IdentityKey;
  /** By source name, for sources whose files are rows. */
  readonly mappings: ReadonlyMap<string, CsvMapping>;
  /** By source name, for sources whose topic holds values of somebody else's. */
  readonly payloadMappings: ReadonlyMap<string, PayloadMapping>;
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

/** The rules alone, for checking a file that is not in use yet. */
export function loadRules(path: string): Rules {
  const problems: Problem[] = [];
  const rules = readRules(path, problems);
  if (rules === undefined || problems.length > 0) throw new ConfigurationError(problems);
  return rules;
}

function readRules(path: string, problems: Problem[], from?: SourceDocument): Rules | undefined {
  const before = problems.length;
  const document = readDocument(path, problems, from);
  if (problems.length > before) return undefined;
  const value = omitEmpty(document.value);
  const file = parse(rulesSchema, value, document, problems, []);
  problems.push(...checkLadder(value, document), ...checkAudiences(value, document), ...checkSignals(value, document));
  if (file === undefined) return undefined;
  const { halfLife, valueTiers, reach } = file.passages;
  const passages = { halfLifeMs: halfLife, valueTiers, reach };
  return {
    version: file.version,
    ladder: buildLadder(file),
    ...buildAudiences(file),
    signals: buildSignals(file),
    passages,
  };
}

function buildLadder({ ladder }: RulesFile): SegmentRule[] {
  return ladder.map(({ segment, when, leaveWhen, holdFor, stayFor, to }) => ({
    segment,
    when,
    ...(leaveWhen === undefined ? {} : { leaveWhen }),
    ...(holdFor === undefined ? {} : { holdForMs: holdFor }),
    ...(stayFor === undefined ? {} : { stayForMs: stayFor }),
    ...(to === undefined ? {} : { to }),
  }));
}

function buildAudiences({ audiences }: RulesFile): Pick<Rules, "audiences"> {
  return audiences.length === 0 ? {} : { audiences: audiences.map(({ audience, when }) => ({ audience, when })) };
}

function buildSignals({ signals }: RulesFile): SignalRule[] {
  return signals.flatMap(({ enabled, dueAfter, sourceLateAfter = 0, ...given }) => {
    const isBare = given.signal === ABANDONED_CART.signal && given.after === undefined && given.yearly === undefined;
    const rule = isBare
      ? { ...given, after: ABANDONED_CART.after, unless: given.unless ?? ABANDONED_CART.unless }
      : given;
    return enabled
      ? [
          {
            signal: rule.signal,
            after: rule.after ?? [],
            unless: rule.unless ?? [],
            yearly: rule.yearly ?? null,
            while: rule.while ?? null,
            dueAfterMs: dueAfter,
            sourceLateAfterMs: sourceLateAfter,
          },
        ]
      : [];
  });
}

function readDocument(path: string, problems: Problem[], from?: SourceDocument): SourceDocument {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason =
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? "there is no such file"
        : "it cannot be read";
    if (from) problems.push(from.problem("file-unreadable", ["rules"], `${path}: ${reason}`));
    else problems.push({ code: "file-unreadable", file: path, line: 1, column: 1, path: "", message: reason });
  }
  const document = new SourceDocument(path, text);
  problems.push(...document.syntaxProblems);
  return document;
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  document: SourceDocument,
  problems: Problem[],
  overrides: readonly Override[],
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const problem of listProblems(parsed.error.issues, value, describeShape(schema), document)) {
    const override = overrides.find(({ section, key }) =>
      problem.path.startsWith(section === null ? key : `${section}.${key}`),
    );
    problems.push(override ? { ...problem, file: `environment ${override.variable}`, line: 1, column: 1 } : problem);
  }
  return undefined;
}

interface Override {
  readonly variable: string;
  /** null: a key of the file itself. */
  readonly section: string | null;
  readonly key: string;
  readonly value: unknown;
}

/** Read off the schema, so that what `config explain` says about the environment is what happens. */
function listOverrides(environment: Readonly<Record<string, string | undefined>>): Override[] {
  const shape = describeShape(configurationSchema);
  const list = (section: string | null, properties: NonNullable<Shape["properties"]>): Override[] =>
    Object.entries(properties).flatMap(([key, { environment: variable, type }]) => {
      const text = variable === undefined ? undefined : environment[variable]?.trim();
      if (variable === undefined || text === undefined || text === "") return [];
      return [{ variable, section, key, value: readOverride(text, type) }];
    });
  const properties = shape.properties ?? {};
  return [
    ...list(null, properties),
    ...Object.entries(properties).flatMap(([section, part]) => list(section, part.properties ?? {})),
  ];
}

function readOverride(text: string, type: string | undefined): unknown {
  if (type === "array") return text.split(",").map((part) => part.trim());
  if (type === "boolean")
    return text === "1" || text === "true" ? true : text === "0" || text === "false" ? false : text;
  return text;
}

function applyOverrides(value: Record<string, unknown>, overrides: readonly Override[]): Record<string, unknown> {
  const result = { ...value };
  for (const { section, key, value: override } of overrides) {
    if (section === null) {
      result[key] = override;
      continue;
    }
    const present = result[section] ?? {};
    if (isMap(present)) result[section] = { ...present, [key]: override };
  }
  return result;
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

/** A key without a value (all its lines commented out) counts as absent. */
function omitEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(omitEmpty);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (part === null ? [] : [[key, omitEmpty(part)]])),
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
  const { registry, embedded, engine, dev } = file;
  const { tls: _kafkaTls, username: _user, passwordFile: _file, ...kafka } = file.kafka;
  const { tls: _redisTls, username: _redisUser, passwordFile: _redisFile, ...redis } = file.redis;
  const { waitMax, ...api } = file.api;
  return {
    dev,
    kafka: { ...kafka, ...transports.kafka },
    registry,
    redis: { ...redis, ...transports.redis },
    embedded,
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
    mappings: new Map(
      file.sources.flatMap(({ name, mapping }) => (mapping?.format === "csv" ? [[name, mapping] as const] : [])),
    ),
    payloadMappings: new Map(
      file.sources.flatMap(({ name, mapping }) =>
        mapping === undefined || mapping.format === "csv" ? [] : [[name, mapping as PayloadMapping] as const],
      ),
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
