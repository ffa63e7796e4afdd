// The identity rule by example: each line of the table in SPEC.md is folded, in the order told and in the reverse.

import { deepEqual, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compareText } from "#core/comparison.ts";
import type { ChannelEvent, IdentifierClaim } from "#core/event.ts";
import { OPERATOR_VERDICTS, rulingType } from "#core/ruling.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";
import { hash } from "#support/histories.ts";

const SPEC = new URL("../../services/core/SPEC.md", import.meta.url);
const START_MS = Date.UTC(2026, 0, 5);

interface Line {
  readonly what: string;
  readonly events: readonly FoldEvent[];
  readonly people: readonly string[];
}

function readLines(): Line[] {
  const [, table = ""] = readFileSync(SPEC, "utf8").split("| what holds | events | people |\n| --- | --- | --- |\n");
  return table
    .slice(0, table.indexOf("\n\n"))
    .split("\n")
    .map((row) => {
      const [, what = "", events = "", people = ""] = /^\| (.*) \| `(.*)` \| `(.*)` \|$/.exec(row) ?? [];
      return { what, events: events.split("; ").map(readEvent), people: people.split(" / ").toSorted(compareText) };
    });
}

/** `source: [verdict] namespace=value [(other)] …` */
function readEvent(text: string, place: number): FoldEvent {
  const [source = "", told = ""] = text.split(": ");
  const claims = [...told.matchAll(/(\S+)=(\S+)( \(other\))?/g)].map(([, namespace = "", value = "", other]) => {
    const said = value.startsWith("#") ? hash.digest(value.slice(1)) : value;
    return { namespace, value: said, ...(other === undefined ? {} : { role: "other" as const }) };
  });
  const recordedAt = START_MS + place * 60_000;
  const shared = { eventId: `e${place}`, occurredAt: recordedAt };
  return { source, recordedAt, event: { ...shared, ...readKind(told.split(" ")[0] ?? "", claims) } };
}

function readKind(
  word: string,
  claims: readonly IdentifierClaim[],
): Pick<ChannelEvent, "type" | "identifiers" | "replaced"> {
  const verdict = OPERATOR_VERDICTS.find((one) => one === word);
  if (verdict !== undefined) return { type: rulingType(verdict), identifiers: claims };
  if (word !== "replaced" && word !== "released") return { type: "identified", identifiers: claims };
  const [one, other] = claims;
  const replaced = { namespace: one?.namespace ?? "", old: one?.value ?? "", new: other?.value ?? "" };
  return { type: `identifier-${word}`, identifiers: [], replaced };
}

async function findPeople(events: readonly FoldEvent[]): Promise<string[]> {
  const { profiles } = await (await foldEach(events)).readPeople();
  return profiles
    .map(({ identifiers }) =>
      identifiers
        .map(({ namespace, value, state }) => `${namespace}=${value}${state === "owned" ? "" : ` (${state})`}`)
        .join(" "),
    )
    .toSorted(compareText);
}

const lines = readLines();
for (const { what, events, people } of lines) {
  test(`the rule by example, ${what} (I1)`, async () => {
    deepEqual(await findPeople(events), people);
    deepEqual(await findPeople(events.toReversed()), people, "in the reverse order of arrival");
  });
}

test("the table has an example for each line of the rule", () => {
  for (const line of ["0", "1", "2", "3", "4"]) ok(lines.some(({ what }) => what.startsWith(`${line}: `)));
});
