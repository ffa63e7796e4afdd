// A person's export as it is published: by its schema, and as the tables that a spreadsheet opens (G1, Art. 20).

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "csv-parse/sync";
import type { Stage } from "#services/cli/stage.ts";
import { MARIE } from "#services/demo/cast.ts";
import { publishExportSchema, subjectExportSchema } from "#services/wire/export-schema.ts";
import { listDue } from "#services/wire/retention.ts";
import { type SubjectExport, tabulateExport, writeCsv } from "#services/wire/subject-export.ts";
import { exportFromStage, playWeek, shareStage } from "#support/api.ts";

const CUSTOMERS = [MARIE.account.customer, "C-1002", "C-1003"];
/** Of everybody whom the demo's week names by something that is known. */
const exported: SubjectExport[] = [];
let week: Stage;

shareStage(playWeek, async (stage) => {
  week = stage;
  for (const customer of CUSTOMERS) {
    const told = await exportFromStage(stage, "customer", customer);
    if (told.ok) exported.push(told.data);
  }
});

test("every export is what its published JSON Schema says, and nothing else is", () => {
  ok(exported.length > 0);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validate = ajv.compile(publishExportSchema());
  for (const data of exported) {
    const printed = JSON.parse(JSON.stringify(data)) as SubjectExport;
    ok(validate(printed), JSON.stringify(validate.errors?.slice(0, 5)));
    deepEqual(subjectExportSchema.parse(printed), printed);
    const [event] = printed.events;
    for (const broken of [
      { ...printed, email: "ana@example.fr" },
      { ...printed, attributes: { ...printed.attributes, mood: "good" } },
      { ...printed, events: [{ ...event, event: { ...event?.event, occurredAt: "yesterday" } }] },
      { ...printed, identifiers: [{ namespace: "email", value: null, state: "owned" }] },
    ])
      ok(!validate(broken), Object.keys(broken).join(" "));
  }
});

test("every section of an export and of its attributes is described, and some week fills most of them", () => {
  const filled = new Set<string>();
  for (const data of exported) {
    deepEqual(Object.keys(data).toSorted(), Object.keys(subjectExportSchema.shape).toSorted());
    const { attributes } = data;
    deepEqual(Object.keys(attributes).toSorted(), Object.keys(subjectExportSchema.shape.attributes.shape).toSorted());
    for (const [name, value] of Object.entries(attributes))
      if (typeof value !== "object" || Object.keys(value ?? {}).length > 0) filled.add(name);
  }
  ok(filled.size > 15, [...filled].join(" "));
});

test("an export says which rule of retention is about her, and is due when `privacy due` lists her, or what keeps her (Art. 15(1)(d))", async () => {
  const { deployment } = week.loaded;
  const rules = deployment.retention.rules.map((rule) => ({ ...rule, afterMs: 1 }));
  const loaded = { ...week.loaded, deployment: { ...deployment, retention: { ...deployment.retention, rules } } };
  const due = new Map<string, object>();
  for await (const { profileId, whom, purpose, sinceMs, dueAtMs } of listDue(
    week.runtime.lookups,
    loaded.deployment.retention,
  )) {
    const [since, dueAt] = [sinceMs, dueAtMs].map((at) => new Date(at).toISOString());
    due.set(profileId, { whom, purpose, afterMs: 1, since, keptBy: null, dueAt });
  }
  const kept: unknown[] = [];
  for (const customer of CUSTOMERS) {
    const told = await exportFromStage({ ...week, loaded }, "customer", customer);
    if (!told.ok) continue;
    const { profileId, retention } = told.data;
    if (due.has(profileId)) deepEqual(retention, due.get(profileId));
    else kept.push([retention.whom, retention.purpose, retention.keptBy, retention.dueAt]);
  }
  deepEqual(kept, [["customers", "customer relationship", "open-case", null]], "Marie's");
  ok(due.size > 0);
});

/** What a cell says, as the value that was written. */
function readCell(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

test("the tables say what the JSON says: every section, row by row and cell by cell", () => {
  for (const data of exported) {
    const { attributes, segment, profileId, version, position, events, retention, ...others } = JSON.parse(
      JSON.stringify(data),
    ) as SubjectExport;
    const { traits, orders, consents, ...rest } = attributes;
    const rows: Record<string, readonly object[]> = {
      ...others,
      profile: [{ profileId, version, position, segment: segment.name, since: segment.since, rule: segment.rule }],
      traits: Object.entries(traits).map(([name, one]) => ({ name, ...one })),
      orders,
      consents,
      attributes: Object.entries(rest).map(([name, value]) => ({ name, value })),
      retention: [retention],
      events: events.map((one) => ({
        ...one,
        type: one.event.type,
        occurredAt: new Date(one.event.occurredAt).toISOString(),
      })),
    };
    const tables = tabulateExport(data);
    deepEqual(
      [...tables.keys()].toSorted(),
      Object.keys(rows)
        .map((name) => `${name}.csv`)
        .toSorted(),
    );
    for (const [name, told] of Object.entries(rows)) {
      const read = parse(tables.get(`${name}.csv`) ?? "", { columns: true }) as Record<string, string>[];
      equal(read.length, told.length, name);
      for (const [place, row] of told.entries())
        for (const [column, value] of Object.entries(row as Record<string, unknown>)) {
          const cell = read[place]?.[column] ?? "";
          const isText = typeof value === "string";
          deepEqual(
            isText ? cell.replace(/^'(?=[=+\-@\t\r])/, "") : readCell(cell),
            value,
            `${name} ${place} ${column}`,
          );
        }
    }
  }
});

test("a cell that a spreadsheet would run as a formula is text there; numbers and phone numbers stay (G1)", () => {
  const rows = ["=HYPERLINK(A1)", "@SUM(1)", "+33 6 39 98 00 17", "-12.5", "-1+cmd|A1", "Ana, B", 5];
  const lines = writeCsv(rows.map((value) => ({ value }))).split("\r\n");
  equal(lines.join("|"), `value|'=HYPERLINK(A1)|'@SUM(1)|+33 6 39 98 00 17|-12.5|'-1+cmd|A1|"Ana, B"|5|`);
  for (const line of lines) match(line, /^(?![=@])/);
});
