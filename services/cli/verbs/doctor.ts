// weft doctor: whether what a deployment rests on is there and safe. One line a check, with what to do; it changes nothing.

import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { type Log, partitionKey } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import { loadConfiguration, type LoadedConfiguration } from "#services/config/configuration.ts";
import {
  allTopics,
  channelTopics,
  deadLetterTopics,
  findUnregistered,
  innerTopics,
  topicNames,
} from "#services/config/topics.ts";
import { HELD, readHolds } from "#services/wire/hold-ledger.ts";
import { findDisagreement, readRulesLog } from "#services/wire/rules.ts";
import { describeFailure, EXIT, WHERE } from "../failure.ts";
import { findBacklog, readLag } from "../lag.ts";
import { requirePositions, resolverOf, stitcherOf } from "../positions.ts";
import type { CommonOptions } from "../program.ts";
import { foldedWith } from "../runtime.ts";
import { judgeLogSafety, openState, openWires, type Wires } from "../wiring.ts";

type Verdict = "ok" | "warn" | "fail";

type Attempted = "log" | "topics" | "positions" | "registry" | "store";

interface Check {
  readonly check: string;
  readonly verdict: Verdict;
  readonly said: string;
}

/** Positions of a topic or shard: about what is done in some seconds. */
const LAG_WARNED = 10_000;
/** For the positions of a group that has begun this moment. */
const REST_WAIT_MS = 1_000;
/** A service that does not answer by then is not there. */
const ANSWER_WAIT_MS = 10_000;

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description(
      "check the configuration, Kafka and its topics, the registry and Redis; says what to do, changes nothing",
    )
    .action(async (_options: unknown, command: Command) => {
      const { config, embedded = false, json = false } = command.optsWithGlobals<CommonOptions>();
      const checks = await examine(loadConfiguration(config), embedded);
      for (const check of checks)
        process.stdout.write(
          json ? `${JSON.stringify(check)}\n` : `${check.verdict.padEnd(4)}  ${check.check}: ${check.said}\n`,
        );
      if (checks.some(({ verdict }) => verdict === "fail")) process.exitCode = EXIT.failed;
      // A client that still tries to reach a service must not keep the command from ending.
      setTimeout(() => process.exit(), 1000).unref();
    });
}

async function examine(loaded: LoadedConfiguration, embedded: boolean): Promise<Check[]> {
  const checks = [
    {
      check: "configuration",
      verdict: "ok" as const,
      said: `${loaded.file}, rules ${loaded.configuration.rules.version}`,
    },
    examineKey(loaded),
    examineContracts(loaded),
  ];
  const opened = await attempt("log", () => openWires(loaded, { embedded, onWait: () => {} }));
  if ("verdict" in opened) return [...checks, opened];
  const wires = opened.value;
  const log = await attempt("topics", () => examineLog(loaded, wires));
  const registry = await attempt("registry", () => examineRegistry(wires));
  const store = await attempt("store", () => examineStore(loaded, wires));
  await Promise.race([wires.close(), delay(1000)]);
  return [...checks, ...[log, registry, store].flatMap((one) => ("verdict" in one ? [one] : one.value))];
}

/** What does not answer, and the key that says where it is. */
const PLACES: Readonly<Record<Attempted, string>> = {
  log: `${WHERE.kafka}; registry and Redis were not asked`,
  topics: WHERE.kafka,
  positions: WHERE.kafka,
  registry: WHERE.registry,
  store: WHERE.redis,
};

async function attempt<T>(check: Attempted, work: () => Promise<T>): Promise<Check | { readonly value: T }> {
  try {
    const late = delay(ANSWER_WAIT_MS, null, { ref: false });
    const value = await Promise.race([work(), late]);
    if (value === null)
      return {
        check,
        verdict: "fail",
        said: `no answer in ${ANSWER_WAIT_MS / 1000} seconds: check that it runs where ${PLACES[check]}`,
      };
    return { value };
  } catch (error) {
    const { code, message, advice } = describeFailure(error);
    return { check, verdict: "fail", said: `${code}: ${message}${advice === undefined ? "" : `; ${advice}`}` };
  }
}

function examineKey({ deployment: { identityKey } }: LoadedConfiguration): Check {
  const { published, fingerprint } = identityKey;
  return published
    ? { check: "identity key", verdict: "warn", said: "the published test key, not for real people: set identityKey" }
    : { check: "identity key", verdict: "ok", said: `fingerprint ${fingerprint}` };
}

function examineContracts({ deployment: { stewardship } }: LoadedConfiguration): Check {
  const without = [...stewardship].flatMap(([name, { owner, purpose, legalBasis }]) =>
    owner === undefined || purpose === undefined || legalBasis === undefined ? [name] : [],
  );
  return without.length === 0
    ? { check: "contracts", verdict: "ok", said: "every source has owner, purpose and legal basis" }
    : { check: "contracts", verdict: "warn", said: `${without.join(", ")}: declare owner, purpose and legalBasis` };
}

async function examineLog(loaded: LoadedConfiguration, { log, codec, embedded }: Wires): Promise<Check[]> {
  const present = new Set(await log.listTopics());
  const missing = allTopics(loaded).flatMap(({ name }) => (present.has(name) ? [] : [name]));
  const unregistered = findUnregistered(loaded, [...present]);
  const checks: Check[] = [
    missing.length === 0
      ? { check: "topics", verdict: "ok", said: "all are there" }
      : {
          check: "topics",
          verdict: embedded ? "warn" : "fail",
          said: `missing ${missing.join(", ")}: weft topics create`,
        },
  ];
  if (unregistered.length > 0)
    checks.push({
      check: "registration",
      verdict: "fail",
      said: `no source reads ${unregistered.join(", ")}: declare it, or name it in kafka.ignoredTopics`,
    });
  const ours = [...channelTopics(loaded), ...innerTopics(loaded)].flatMap(({ name }) =>
    present.has(name) ? [name] : [],
  );
  const unsafe = await log.findUnsafeTopics(ours);
  checks.push(
    ...unsafe.map((line) =>
      judge("durability", (say) => judgeLogSafety(loaded.deployment.kafka.brokers, line, say, loaded.deployment.dev)),
    ),
  );
  if (unsafe.length === 0)
    checks.push({ check: "durability", verdict: "ok", said: "no topic loses what it acknowledged" });
  checks.push(
    ...(missing.length === 0 ? [await examinePositions(loaded, log)] : []),
    await examineLetters(loaded, log, present),
    await examineRules(loaded, { log, codec }, present),
    await examineHolds(loaded, { log, codec }),
  );
  return checks;
}

async function examinePositions(loaded: LoadedConfiguration, log: Log): Promise<Check> {
  const examined = await attempt("positions", async () => {
    for (const member of [resolverOf(loaded), stitcherOf(loaded)]) await requirePositions(log, member, REST_WAIT_MS);
    return "ok";
  });
  return "verdict" in examined
    ? examined
    : { check: "positions", verdict: "ok", said: "the groups know where they are" };
}

/** Whether a process of this configuration would start. */
async function examineRules(
  loaded: LoadedConfiguration,
  wires: Pick<Wires, "log" | "codec">,
  present: ReadonlySet<string>,
): Promise<Check> {
  const topic = topicNames(loaded).rules;
  const entries = present.has(topic) ? await readRulesLog(wires, topic) : [];
  const inForce = entries.at(-1);
  if (inForce === undefined)
    return { check: "rules", verdict: "ok", said: "none in force yet: the first process puts its own there" };
  const fault = findDisagreement(inForce, foldedWith(loaded));
  return fault === null
    ? { check: "rules", verdict: "ok", said: `${inForce.version} in force, as in the file` }
    : {
        check: "rules",
        verdict: "fail",
        said: `${fault.code}: ${fault.message}; weft rules apply, or give back the former files`,
      };
}

async function examineHolds(loaded: LoadedConfiguration, wires: Pick<Wires, "log" | "codec">): Promise<Check> {
  const { latest } = await readHolds(wires, topicNames(loaded).sources);
  const held = latest.filter(({ kind }) => kind === HELD);
  return held.length === 0
    ? { check: "sources", verdict: "ok", said: "none is held back" }
    : {
        check: "sources",
        verdict: "warn",
        said: `held back: ${held.map(({ source, reason }) => `${source} (${reason})`).join("; ")}: weft sources release`,
      };
}

async function examineLetters(
  loaded: LoadedConfiguration,
  log: Wires["log"],
  present: ReadonlySet<string>,
): Promise<Check> {
  const names = deadLetterTopics(loaded).flatMap(({ name }) => (present.has(name) ? [name] : []));
  const ends = await log.endOffsets(names);
  const filled = names.filter((topic) => (ends.get(partitionKey({ topic, partition: 0 })) ?? 0) > 0);
  return filled.length === 0
    ? { check: "dead letters", verdict: "ok", said: "none were ever written" }
    : { check: "dead letters", verdict: "warn", said: `in ${filled.join(", ")}: weft dlq ls` };
}

/** A schema id that nobody has: the registry must say so, whatever it says. */
async function examineRegistry({ codec, embedded }: Wires): Promise<Check[]> {
  if (embedded) return [];
  await codec.prepare([new Uint8Array([0, 0x7f, 0xff, 0xff, 0xff])]);
  return [{ check: "registry", verdict: "ok", said: "it answers" }];
}

async function examineStore(loaded: LoadedConfiguration, wires: Wires): Promise<Check[]> {
  const said: string[] = [];
  const state = await openState(loaded, wires, { onWait: (line) => said.push(line) });
  try {
    await state.requireSafety();
    const kept = { check: "store", verdict: "ok" as const, said: "it keeps what it acknowledged" };
    const checks: Check[] = said.length === 0 ? [kept] : said.map((line) => ({ ...kept, verdict: "warn", said: line }));
    return [...checks, ...(await examineLag(loaded, wires, state.store))];
  } finally {
    await state.close();
  }
}

/** A line for each topic and shard that is behind; what is more than a while of work is worth a warning. */
async function examineLag(loaded: LoadedConfiguration, wires: Wires, store: Store): Promise<Check[]> {
  const lags = await readLag(loaded, { log: wires.log, store }, new Set(await wires.log.listTopics()));
  const { work, timeOnly } = await findBacklog(lags, wires, topicNames(loaded).resolved);
  if (work.length === 0) {
    const time = timeOnly === 0 ? "" : `; behind is only the time (positions a shard: up to ${timeOnly})`;
    return [{ check: "lag", verdict: "ok", said: `everything is resolved, and in the store${time}` }];
  }
  return work.map(({ topic, shard, records }) => ({
    check: "lag",
    verdict: records > LAG_WARNED ? "warn" : "ok",
    said:
      shard === null
        ? `${topic}: ${records} not resolved yet`
        : `${topic}, shard ${shard}: ${records} not in the store yet`,
  }));
}

/** What this machine's own may do is only said, and refused anywhere else. */
function judge(check: string, work: (say: (line: string) => void) => void): Check {
  const lines: string[] = [];
  try {
    work((line) => lines.push(line));
    return { check, verdict: "warn", said: lines.join("; ") };
  } catch (error) {
    return { check, verdict: "fail", said: error instanceof Error ? error.message : String(error) };
  }
}
