// The API as a process of its own on a real Kafka and Redis: look-ups, positions, the live stream, rulings; and each of the
// two goes away. On services of its own, because those of the other tests must stay.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { killService, restartService } from "../../infra/services.ts";
import { connect, expectAnswer } from "#support/api.ts";
import { OwnGround } from "#support/own-ground.ts";
import { StreamReader } from "#support/stream-reader.ts";
import { ENDED_WELL } from "#support/workers.ts";

const READY_WAIT_MS = 60_000;
/** engine.tickInterval, as it is by default. */
const TICK_MS = 5_000;

async function waitFor(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + READY_WAIT_MS; !(await isSo()); await sleep(100))
    if (Date.now() > deadline) throw new Error(`${what} took more than ${READY_WAIT_MS / 1000} s`);
}

const event = (eventId: string, identifiers: Readonly<Record<string, string>>, traits: object = {}) =>
  `${JSON.stringify({
    source: "crm",
    eventId,
    type: "traits-changed",
    occurredAt: "2026-01-05T10:00:00Z",
    identifiers: Object.entries(identifiers).map(([namespace, value]) => ({ namespace, value })),
    traits,
  })}\n`;

test("the API on real services: reads at a position, tells live, rules, and says so when Redis or Kafka is away", async (t) => {
  const mark = (what: string) => t.diagnostic(`${Math.round(performance.now() / 1000)} s: ${what}`);
  await OwnGround.use(t, async (ground) => {
    const { deployment, directory } = ground;
    const { key } = JSON.parse(
      await deployment.mustRun(["--json", "api", "keys", "create", "--role", "operator", "--name", "ana"]),
    ) as { readonly key: string };
    const [up, api] = [ground.launch("up"), ground.launch("api", ["--port", "0"])];
    await up.waitFor(/^running$/);
    const base = (await api.waitFor(/^listening$/))["url"] as string;
    const client = connect(base, key);
    await waitFor("readiness", async () => (await client.readReadiness({})).ok);
    mark("ready");

    const reader = await StreamReader.open(base, key, {});
    await deployment.mustRun(
      ["produce"],
      event("e-1", { customer: "c-1", email: "ana@example.fr" }, { city: "Nantes" }),
    );
    const first = await reader.next(({ event: kind }) => kind === "profile-changed");
    const { profileId, position } = first.data as { readonly profileId: string; readonly position: string };
    const customer = { namespace: "customer", value: "c-1" };
    const ana = expectAnswer(await client.lookUp({ body: customer, query: { "at-least": position } }));
    assert.deepEqual([ana.profileId, ana.masked, ana.segment?.name], [profileId, false, "prospect"]);
    assert.deepEqual(expectAnswer(await client.readProfile({ params: { id: profileId } })).traits, ana.traits);
    mark("looked up what the stream told");

    await deployment.mustRun(["produce"], event("e-2", { "crm-contact": "k-2" }, { firstName: "Ana" }));
    const other = await reader.next(({ event: kind }) => kind === "profile-changed");
    const { profileId: otherId } = other.data as { readonly profileId: string };
    const contact = { namespace: "crm-contact", value: "k-2" };
    const verdict = "linked" as const;
    const link = expectAnswer(
      await client.rule({ body: { verdict, identifiers: [customer, contact], reason: "she showed her card" } }),
    );
    const one = expectAnswer(await client.lookUp({ body: contact, query: { "at-least": link.position } }));
    assert.ok(
      one.identifiers.some(({ value }) => value === "c-1"),
      "they are one person at that position",
    );
    const former = [profileId, otherId].find((id) => id !== one.profileId) ?? "";
    const alias = expectAnswer(await client.readProfile({ params: { id: former } }));
    assert.deepEqual([alias.profileId, alias.requestedId], [one.profileId, former]);
    const merged = await reader.next(({ event: kind }) => kind === "identity-changed");
    assert.equal((merged.data as { readonly kind: string }).kind, "merged");
    assert.match(await deployment.mustRun(["tail", `${deployment.prefix}weft.operator`, "--json"]), /ana \(key /);
    mark("linked");

    await killService({ directory, name: "redis" });
    const away = await client.lookUp({ body: customer });
    assert.ok(!away.ok && away.status === 503 && away.problem.code === "store-unavailable" && away.retryAfter === 5);
    const refused = await client.rule({ body: { verdict: "lifted", identifiers: [customer, contact], reason: "r" } });
    assert.ok(!refused.ok && refused.status === 503);
    assert.equal((await client.readReadiness({})).status, 503);
    assert.equal((await client.readHealth({})).status, 200);
    await restartService({ directory, name: "redis" });
    await waitFor("Redis", async () => (await client.lookUp({ body: customer })).ok);
    mark("Redis came back");

    const tellsUpTo = async (): Promise<{ readonly atMs: number; readonly position: string }> => {
      const { watermarks, position } = expectAnswer(await client.lookUp({ body: customer }));
      return {
        atMs: Math.max(...watermarks.flatMap(({ upTo }) => (upTo === null ? [] : [Date.parse(upTo)]))),
        position,
      };
    };
    await waitFor("time to go on", async () => Date.now() - (await tellsUpTo()).atMs < 2 * TICK_MS);
    await killService({ directory, name: "kafka" });
    const awayAt = Date.now();
    const unwritten = await client.rule({ body: { verdict: "lifted", identifiers: [customer, contact], reason: "r" } });
    assert.ok(!unwritten.ok && unwritten.problem.code === "log-unavailable" && unwritten.retryAfter === 5);
    await sleep(2 * TICK_MS);
    const stale = await tellsUpTo();
    assert.ok(stale.atMs <= awayAt, "readers do not need Kafka, and are told how old it is");
    await sleep(TICK_MS);
    assert.deepEqual(await tellsUpTo(), stale);
    const stream = await fetch(`${base}/changes`, { headers: { authorization: `Bearer ${key}` } });
    assert.deepEqual([stream.status, stream.headers.get("retry-after")], [503, "5"]);
    await restartService({ directory, name: "kafka" });
    await waitFor("Kafka", async () => {
      const body = {
        verdict: "lifted" as const,
        identifiers: [customer, contact] as [typeof customer, typeof contact],
      };
      return (await client.rule({ body: { ...body, reason: "back" } })).ok;
    });
    await waitFor("time to go on", async () => (await tellsUpTo()).atMs > awayAt);
    mark("Kafka came back");

    await reader.close();
    await deployment.mustRun(["produce"], event("e-3", { customer: "c-3", email: "carl@example.fr" }));
    await deployment.settle();
    await ground.redis.flushall();
    const codes = new Set<string>();
    const carl = { namespace: "email", value: "carl@example.fr" };
    await waitFor("what was lost to be put back", async () => {
      const reply = await client.lookUp({ body: carl });
      if (!reply.ok) codes.add(reply.problem.code);
      return reply.ok;
    });
    assert.deepEqual([...codes], ["store-behind"], "whom Redis has lost is never said to be nobody");
    mark("what was lost is put back");

    const log = api.lines.map((line) => JSON.stringify(line)).join("\n");
    // Names of runs are random: a short value may stand inside one.
    const words = new Set(log.split(/[^\w@.-]+/));
    for (const value of ["c-1", "k-2"]) assert.ok(!words.has(value), value);
    for (const value of ["ana@example.fr", "carl@example.fr", "Nantes", key]) assert.ok(!log.includes(value), value);
    assert.deepEqual(await api.stop(), ENDED_WELL);
    assert.deepEqual(await up.stop(), ENDED_WELL);
  });
});
