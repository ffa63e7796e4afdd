// The data map: complete by the schemas, and true to a source's contract (G1).

import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PARTS } from "#core/lawful.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { type DataMapRow, describeData, NUMBERED, TOLD } from "#services/config/data-map.ts";
import { ROOT } from "#support/source.ts";

function fieldsOf(record: string): string[] {
  const { fields } = JSON.parse(readFileSync(join(ROOT, "schemas", `${record}.avsc`), "utf8")) as {
    fields: { name: string }[];
  };
  return fields.map(({ name }) => name);
}

const loaded = loadConfiguration(undefined);
const rows = describeData(loaded);

test("every field of an event has a row in each source, save what names and dates the event", () => {
  const told = fieldsOf("ChannelEvent").filter((name) => !["eventId", "type", "occurredAt", "sentAt"].includes(name));
  deepEqual(told.toSorted(), ["identifiers", ...PARTS].toSorted());
  for (const { name } of loaded.configuration.sources.filter((source) => source.allowedFields === undefined))
    deepEqual(rows.flatMap(({ source, field }) => (source === name ? [field] : [])).toSorted(), told.toSorted());
});

test("every field of an output tells of parts of events, or of nobody: a new one without a word here fails", () => {
  for (const [output, fields] of Object.entries(TOLD)) {
    const record = output.charAt(0).toUpperCase() + output.slice(1);
    const known = fieldsOf(record);
    deepEqual(
      known.filter((name) => fields[name] === undefined && !NUMBERED.has(name)),
      [],
      record,
    );
    deepEqual(
      Object.keys(fields).filter((name) => !known.includes(name) || NUMBERED.has(name)),
      [],
      record,
    );
  }
});

test("no topic that is kept is without its retention, and what is kept for ever is the channels; the log of record is read until she is erased", () => {
  const kept = new Map(rows.flatMap(({ places }) => places.map(({ place, retention }) => [place, retention] as const)));
  equal(kept.get("profile-state"), "until she is erased");
  equal(kept.get("weft.resolved"), "until she is erased");
  equal(kept.get("segment-transition"), "30 days");
  const forever = [...kept].filter(([, retention]) => retention === "for ever").map(([place]) => place);
  deepEqual(forever.toSorted(), loaded.configuration.sources.map(({ topic }) => topic).toSorted());
});

test("what tells of passages is in the files of them, until she is erased", () => {
  const kept = (part: string) =>
    rows.find(({ field, kept: isKept }) => isKept && field.split(".")[0] === part)?.places.map(({ place }) => place) ??
    [];
  for (const place of ["api-passages", "report-file"]) {
    for (const part of ["order", "touch"]) ok(kept(part).includes(place), part);
    ok(!kept("note").includes(place));
  }
});

test("a field stands on the basis that its source names for it; what it names none for is left out and said to be", () => {
  const [first] = loaded.configuration.sources;
  ok(first !== undefined);
  const contract = {
    ...first,
    allowedFields: ["order", "traits.birthDate", "traits.city", "note"],
    legalBasisByField: { identifiers: "contract", order: "contract", "traits.birthDate": "consent" },
  };
  const told = describeData({ ...loaded, configuration: { ...loaded.configuration, sources: [contract] } });
  const describe = ({ field, legalBasis, kept }: DataMapRow) => `${field} ${legalBasis} ${kept}`;
  deepEqual(told.map(describe), [
    "identifiers contract true",
    "traits.birthDate consent true",
    "traits null false",
    "order contract true",
    "note null false",
  ]);
  deepEqual(
    told.find(({ field }) => field === "note")?.places.map(({ place }) => place),
    [contract.topic, `${contract.topic}.dlq`],
  );
});

test("whatever is kept until she is erased says how long people are kept and what for, by the rule that holds of them", () => {
  const describe = ({ whom, purpose, retention }: DataMapRow["people"][number]) => `${whom} ${purpose} ${retention}`;
  for (const { places, people, kept } of rows) {
    equal(people.length > 0, kept);
    equal(
      places.some(({ retention }) => retention === "until she is erased"),
      kept,
    );
  }
  deepEqual(rows[0]?.people.map(describe), [
    "prospects prospecting 1095 days",
    "customers customer relationship 1095 days",
  ]);
  const DAY_MS = 86_400_000;
  const rules = [
    { purpose: "news", whom: "prospects" as const, afterMs: 30 * DAY_MS },
    { purpose: "studies", whom: "prospects" as const, afterMs: 60 * DAY_MS },
  ];
  const { retention } = loaded.deployment;
  const told = describeData({ ...loaded, deployment: { ...loaded.deployment, retention: { ...retention, rules } } });
  deepEqual(told[0]?.people.map(describe), ["prospects studies 60 days", "customers null for ever"]);
});

test("every schema that is published or written is on the map, or holds nothing that a source tells of a person", () => {
  const mapped = Object.keys(TOLD).map((output) => output.charAt(0).toUpperCase() + output.slice(1));
  // Whole events.
  const carrying = ["ChannelEvent", "ResolvedBundle"];
  for (const { places, kept } of rows)
    equal(
      places.some(({ place }) => place === "weft.resolved"),
      kept,
    );
  // Keys, numbers and names of rules, sources and requests; IdentityAlias and ProfileErased are ids alone.
  const impersonal = ["IdentityAlias", "PrivacyRequest", "ProfileErased", "RulesRecord", "SourceRecord"];
  const published = readdirSync(join(ROOT, "schemas")).map((file) => file.replace(/\.avsc$/, ""));
  deepEqual(published.toSorted(), [...mapped, ...impersonal, ...carrying].toSorted());
});
