// By when somebody who is forgotten is gone from each place, by a clock that the test has (Art. 17).

import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { loadConfiguration } from "#services/config/configuration.ts";
import { describeData } from "#services/config/data-map.ts";
import {
  describeDeadlines,
  EFFECTIVE_WITHIN_MS,
  findBound,
  GONE_WITHIN_MS,
  listDeadlines,
} from "#services/config/deadline.ts";
import { allTopics } from "#services/config/topics.ts";

const DAY_MS = 86_400_000;
const loaded = loadConfiguration(undefined, {});
const channels = loaded.configuration.sources.map(({ topic }) => topic);
const AT_MS = Date.UTC(2026, 2, 2, 12);
const dueAt = (place: string, atMs = AT_MS) => {
  const by = listDeadlines(loaded, atMs).find((one) => one.place === place)?.by;
  return by === null || by === undefined ? by : Date.parse(by) - atMs;
};

test("every place of the data map and every topic with something of a person has its deadline, once", () => {
  const places = listDeadlines(loaded, AT_MS).map(({ place }) => place);
  equal(new Set(places).size, places.length);
  for (const { places: kept } of describeData(loaded)) for (const { place } of kept) ok(places.includes(place), place);
  // Requests, rules and verdicts on sources hold keyed hashes, expressions and names of sources.
  const impersonal = ["weft.privacy", "weft.rules", "weft.sources"];
  const topics = allTopics(loaded).map(({ name }) => name);
  deepEqual(
    topics.filter((name) => !places.includes(name)),
    impersonal,
  );
});

test("store and the API's files forget within a minute, the store's disk within a day and an hour more, compacted topics in two days, others by their retention and a segment", () => {
  equal(dueAt("store"), EFFECTIVE_WITHIN_MS);
  for (const place of ["api-directory", "api-passages"]) equal(dueAt(place), EFFECTIVE_WITHIN_MS);
  equal(dueAt("store-disk"), EFFECTIVE_WITHIN_MS + DAY_MS + 3_600_000);
  for (const topic of ["profile-state", "identity-alias", "weft.keys", "weft.resolved"])
    equal(dueAt(topic), EFFECTIVE_WITHIN_MS + 2 * DAY_MS, topic);
  equal(dueAt("profile-changed"), EFFECTIVE_WITHIN_MS + 8 * DAY_MS);
  for (const topic of ["segment-transition", "identity-changed", "profile-signal", "channel-web.dlq"])
    equal(dueAt(topic), EFFECTIVE_WITHIN_MS + 31 * DAY_MS, topic);
  equal(
    dueAt("profile-changed", AT_MS + 5 * DAY_MS),
    dueAt("profile-changed"),
    "as of the request, whenever it is made",
  );
});

test("nothing that Weft makes goes on for longer than it says; only channel topics, and the file of `weft report`, are their owners' to bound", () => {
  const deadlines = listDeadlines(loaded, AT_MS);
  const unbounded = deadlines.filter(({ by }) => by === null).map(({ place }) => place);
  deepEqual(unbounded.toSorted(), [...channels, "report-file"].toSorted());
  for (const { place, by } of deadlines) if (by !== null) ok(Date.parse(by) <= AT_MS + GONE_WITHIN_MS, place);
});

test("a topic without what bounds it has no deadline", () => {
  const day = String(DAY_MS);
  const deleted = { "cleanup.policy": "delete", "retention.ms": day, "segment.ms": day };
  const compacted = { "cleanup.policy": "compact", "max.compaction.lag.ms": day, "segment.ms": day };
  for (const config of [deleted, compacted]) {
    equal(findBound({ config }), EFFECTIVE_WITHIN_MS + 2 * DAY_MS);
    for (const missing of Object.keys(config).filter((key) => key !== "cleanup.policy"))
      equal(findBound({ config: { ...config, [missing]: "-1" } }), null, missing);
    const { "segment.ms": _, ...rest } = config;
    equal(findBound({ config: rest }), null);
  }
});

test("the receipt says it in lines, the earliest first, and no place twice", () => {
  const lines = describeDeadlines(listDeadlines(loaded, AT_MS));
  equal(lines[0], "gone by 2026-03-02T12:01:00.000Z: store, api-directory, api-passages");
  deepEqual(lines.at(-1), `not before its owner takes it away: report-file, ${channels.join(", ")}`);
  equal(lines.length, 6);
});
