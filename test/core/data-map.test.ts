// The data map: complete by the schemas, and true to a source's contract (G1).

import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
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

test("no topic that is kept is without its retention, and what is kept for ever is the log of record and the channels", () => {
  const kept = new Map(rows.flatMap(({ places }) => places.map(({ place, retention }) => [place, retention] as const)));
  equal(kept.get("profile-state"), "until she is erased");
  equal(kept.get("segment-transition"), "30 days");
  const forever = [...kept].filter(([, retention]) => retention === "for ever").map(([place]) => place);
  deepEqual(
    forever.toSorted(),
    ["weft.resolved", ...loaded.configuration.sources.map(({ topic }) => topic)].toSorted(),
  );
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
