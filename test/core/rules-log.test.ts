// Rule sets on their topic (T1): the first process says which were there before any other; one whose files differ from the
// log does not start; what is not a rule set is a dead letter; and every shard is told of each in one transaction.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryLog } from "#adapters/memory/log.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import type { Rules } from "#core/configuration.ts";
import { readRules, writeRules } from "#core/rules-in-force.ts";
import type { Log } from "#ports/log.ts";
import { openRuntime } from "#services/cli/runtime.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { FIXED, fingerprint } from "#services/config/fingerprint.ts";
import { findFaultOfRules, RULES_LENGTH_MAX } from "#services/config/rules-text.ts";
import { deadLetterTopic, topicNames } from "#services/config/topics.ts";
import { readBundle, type BundleValue } from "#services/wire/bundle.ts";
import {
  applyRuleSet,
  describeRules,
  type FoldedWith,
  publishRules,
  readRulesLog,
  requireRulesOfLog,
  type RulesRecord,
} from "#services/wire/rules.ts";
import { makeFolder } from "#support/folder.ts";
import { configuration } from "#support/histories.ts";
import { runs } from "#support/property.ts";
import { ruleSet } from "#support/rule-sets.ts";

const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const TOPIC = "weft.rules";
const shipped = configuration.rules;
const other: Rules = { ...shipped, version: "two", ladder: shipped.ladder.slice(1) };
const third: Rules = { ...other, version: "three", ladder: other.ladder.slice(1) };
const signed = { author: "ana", reason: "a trial" };

async function openLog(): Promise<{ log: Log; codec: typeof codec }> {
  const log = openMemoryLog();
  await log.createTopics([{ name: TOPIC, partitions: 1, config: {} }]);
  return { log, codec };
}

const folding = (rules: Rules, changed: Record<string, string> = {}): FoldedWith => {
  return { rules, fingerprints: { ...fingerprint(loadConfiguration(undefined, {})), ...changed }, engine: "1" };
};

describe("the log of rules", () => {
  it("begins with the rules of the first process, and another process with the same files starts (T1)", async () => {
    const wires = await openLog();
    const { first, inForce } = await requireRulesOfLog(wires, TOPIC, folding(shipped));
    deepEqual([first.kind, first.sequence, first.version, inForce], ["initial", 1, shipped.version, first]);
    await requireRulesOfLog(wires, TOPIC, folding(structuredClone(shipped)));
    equal((await readRulesLog(wires, TOPIC)).length, 1);
  });

  it("has one beginning where two first processes wrote theirs at once: the first in the log (T1)", async () => {
    const wires = await openLog();
    const write = (rules: Rules) =>
      publishRules(wires, TOPIC, { kind: "initial", ...describeRules(rules), fingerprints: {}, engine: "", ...signed });
    await write(shipped);
    await write(other);
    deepEqual(
      (await readRulesLog(wires, TOPIC)).map(({ version }) => version),
      [shipped.version],
    );
    await rejects(requireRulesOfLog(wires, TOPIC, folding(other)), { code: "rules-differ" });
  });

  it("refuses the start of a process whose rules file differs, until they are put in force (T1)", async () => {
    const wires = await openLog();
    await requireRulesOfLog(wires, TOPIC, folding(shipped));
    await rejects(requireRulesOfLog(wires, TOPIC, folding(other)), { code: "rules-differ" });
    const { entry, isNew } = await applyRuleSet(wires, TOPIC, folding(shipped), { rules: other, ...signed }, FIXED);
    deepEqual([isNew, entry.sequence, entry.author, entry.reason], [true, 2, "ana", "a trial"]);
    const { first, inForce } = await requireRulesOfLog(wires, TOPIC, folding(other));
    deepEqual([first.version, inForce.version], [shipped.version, "two"]);
    await rejects(requireRulesOfLog(wires, TOPIC, folding(shipped)), { code: "rules-differ" });
    const again = await applyRuleSet(wires, TOPIC, folding(other), { rules: other, ...signed }, FIXED);
    deepEqual([again.isNew, (await readRulesLog(wires, TOPIC)).length], [false, 2], "the same is not written again");
  });

  it("has the rules from before the first apply, also where nobody had started yet (T1)", async () => {
    const wires = await openLog();
    await applyRuleSet(wires, TOPIC, folding(shipped), { rules: other, ...signed }, FIXED);
    deepEqual(
      (await readRulesLog(wires, TOPIC)).map(({ kind, version }) => `${kind} ${version}`),
      [`initial ${shipped.version}`, "applied two"],
    );
  });

  it("names other rules by another version, and lets former ones come back", async () => {
    const wires = await openLog();
    const put = (rules: Rules) => applyRuleSet(wires, TOPIC, folding(shipped), { rules, ...signed }, FIXED);
    await put(other);
    await rejects(put({ ...third, version: "two" }), { code: "rules-refused" });
    await put(shipped);
    await put(other);
    equal((await readRulesLog(wires, TOPIC)).at(-1)?.version, "two");
  });

  it("refuses a start under other namespaces or sources until they are applied, under another key or layout for good (T1)", async () => {
    const wires = await openLog();
    await requireRulesOfLog(wires, TOPIC, folding(shipped));
    for (const section of ["namespaces", "sources", "facts"]) {
      const mine = folding(shipped, { [section]: `other ${section}` });
      await rejects(requireRulesOfLog(wires, TOPIC, mine), {
        code: "configuration-differs",
        message: new RegExp(section),
      });
    }
    for (const section of FIXED) {
      const mine = folding(shipped, { [section]: "other" });
      await rejects(requireRulesOfLog(wires, TOPIC, mine), { code: "configuration-differs" });
      await rejects(applyRuleSet(wires, TOPIC, mine, { rules: shipped, ...signed }, FIXED), {
        code: "configuration-differs",
      });
    }
    const mine = folding(shipped, { sources: "other" });
    equal((await applyRuleSet(wires, TOPIC, mine, { rules: shipped, ...signed }, FIXED)).isNew, true);
    await requireRulesOfLog(wires, TOPIC, mine);
    await rejects(requireRulesOfLog(wires, TOPIC, folding(shipped)), { code: "configuration-differs" });
  });
});

describe("a rule set as text", () => {
  it("is one text whatever the order of its keys, and the same rules again", () => {
    const shuffle = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffle);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([key, part]) => [key, shuffle(part)]),
      );
    };
    fc.assert(
      fc.property(ruleSet(true), (rules) => {
        const text = writeRules(rules);
        equal(writeRules(shuffle(rules) as Rules), text);
        deepEqual(readRules(text), JSON.parse(JSON.stringify(rules)));
        equal(findFaultOfRules(text), undefined);
      }),
      runs(500),
    );
  });

  it("is refused where it is none that could be put in force", () => {
    const broken = (change: object) => findFaultOfRules(writeRules({ ...shipped, ...change }));
    equal(findFaultOfRules("{"), "not JSON");
    equal(findFaultOfRules(`${writeRules(shipped)} `), "not canonical");
    equal(broken({ ladder: [] }), "not of the shape of a rule set");
    equal(broken({ more: 1 }), "not of the shape of a rule set");
    equal(broken({ ladder: shipped.ladder.slice(0, 1) }), "the last segment does not take everybody else");
    equal(broken({ ladder: [...shipped.ladder, ...shipped.ladder] }), "a name is there twice");
    match(broken({ audiences: [{ audience: "a", when: "profile.nown" }] }) ?? "", /did you mean "known"/);
    match(broken({ ladder: [{ segment: "a", when: "orders.valid" }, ...shipped.ladder] }) ?? "", /type bool/);
    const signals = shipped.signals.map((rule) => ({ ...rule, while: 'elapsed(profile.lastAt, "1d")' }));
    match(broken({ signals }) ?? "", /without time/);
    equal(findFaultOfRules("x".repeat(RULES_LENGTH_MAX + 1)), `more than ${RULES_LENGTH_MAX} characters`);
  });
});

describe("a deployment", () => {
  it("brings each rule set to the log of every shard once, and what is none to the dead letters (T1, O1)", async () => {
    const folder = makeFolder("rules");
    const file = join(folder, "weft.yaml");
    writeFileSync(
      file,
      `embedded: { file: ${join(folder, "weft.sqlite")} }\nengine: { shards: 3, stitchSlots: 1, resolverSlots: 2, tickInterval: 5ms, transactionInterval: 1ms }\n`,
    );
    const loaded = loadConfiguration(file, {});
    const runtime = await openRuntime(loaded, { embedded: true });
    await runtime.createTopics();
    const { wires } = runtime;
    const { rules: topic, resolved } = topicNames(loaded);
    const memberships = [await runtime.startResolver(), await runtime.startStitcher()];
    const mine = folding(shipped, fingerprint(loaded));
    await applyRuleSet(wires, topic, mine, { rules: other, ...signed }, FIXED);
    const forged: RulesRecord = {
      kind: "applied",
      ...describeRules(third),
      digest: "0".repeat(64),
      fingerprints: {},
      engine: "",
      ...signed,
    };
    await publishRules(wires, topic, forged);
    const { entry } = await applyRuleSet(wires, topic, mine, { rules: third, ...signed }, FIXED);
    const told = new Map<number, string[]>([0, 1, 2].map((shard) => [shard, []]));
    for await (const record of wires.log.read([resolved], { from: "start", follow: true })) {
      await wires.codec.prepare([record.value]);
      const decoded = wires.codec.decode(record.value);
      ok(decoded.ok);
      for (const { item } of readBundle(decoded.value as BundleValue))
        if (item.kind === "rules") told.get(record.partition)?.push(`${item.sequence} ${item.version}`);
      if ([...told.values()].every((list) => list.at(-1) === `${entry.sequence} three`)) break;
    }
    for (const list of told.values()) deepEqual(list, [`1 ${shipped.version}`, "2 two", "4 three"]);
    for (const membership of memberships) await membership.close();
    const letters: string[] = [];
    for await (const { headers } of wires.log.read([deadLetterTopic(topic)], { from: "start", follow: false }))
      letters.push(`${headers["weft.reason"]}: ${headers["__connect.errors.exception.message"]}`);
    deepEqual(letters, ["undecodable: its digest is that of other rules"]);
    await rejects(runtime.startResolver(), { code: "rules-differ" });
    await rejects(runtime.startStitcher(), { code: "rules-differ" });
    await runtime.close();
  });
});
