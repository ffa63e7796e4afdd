// Erasure at random points of random histories (G1): against the oracle, and against the log without the erasure.
// WEFT_PROPERTY_RUNS and WEFT_PROPERTY_SEED as elsewhere.

import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import { type ErasureRequest, PRIVACY } from "#core/erasure.ts";
import { createRegistry } from "#core/registry.ts";
import type { Fold } from "#services/fold/fold.ts";
import type { ProfileLine } from "#services/wire/profile-reader.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster } from "#support/cluster.ts";
import { foldEach } from "#support/fold-events.ts";
import { configuration, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { recomputePeople, type RecordedEvent } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";
import { checkStream } from "#support/oracle-stream.ts";
import { type Asking, draftRequest, tellApart } from "#support/subjects.ts";

const registry = createRegistry(configuration, hash);
const campaign = new Campaign();

const told = usual.map(({ events }) => tellApart(events.map(refuse)));

/** Of what the shop tells a third is a refusal: objections outlive the erasure. */
function refuse(one: RecordedEvent): RecordedEvent {
  const isTold = ["crm", "store"].includes(one.source) && Number(one.event.eventId.slice(1)) % 3 === 0;
  return isTold ? { ...one, event: { ...one.event, consents: [{ purpose: "news", granted: false }] } } : one;
}

interface Point extends Asking {
  readonly place: number;
}

const point: fc.Arbitrary<Point> = fc.record({ place: fc.nat(), whom: fc.nat(), by: fc.nat() });

async function request(
  fold: Pick<Fold, "readPeople" | "draftErasure">,
  drawn: Point,
  requestId: string,
  at: number,
): Promise<ErasureRequest | null> {
  const keys = await draftRequest(fold, drawn);
  return keys && { requestId, at, ...keys };
}

const met = {
  erased: 0,
  others: 0,
  shared: 0,
  accounts: 0,
  retold: 0,
  requests: 0,
  suppressed: 0,
  objections: 0,
  kept: 0,
};

/** Of whoever was with her in a group, without her. retold: accounts of which what is above them went with what she told. */
function describeLine(profile: ProfileLine, gone: ReadonlySet<string>, retold: ReadonlySet<string>): string {
  const groups = profile.view.groups.map(({ members, parents, cycleRefused, ...group }) => {
    const above = retold.has(group.groupId) ? {} : { parents, cycleRefused };
    return { ...group, ...above, members: members.filter((id) => !gone.has(id)) };
  });
  return JSON.stringify({ ...profile, view: { ...profile.view, groups } });
}

/** Accounts whose chain, before or after, has one of which an event under these keys told the parent. */
function listRetold(
  events: readonly RecordedEvent[],
  keys: ReadonlySet<string>,
  lines: readonly ProfileLine[],
): ReadonlySet<string> {
  const told = events.flatMap(({ source, recordedAt, event }) => {
    const acceptance = acceptEvent(registry, source, recordedAt, event);
    const isHers = acceptance.ok && keys.has(acceptance.accepted.anchor);
    return isHers && typeof event.group?.parent === "string" ? [event.group.groupId.trim()] : [];
  });
  const accounts = lines.flatMap(({ view }) => view.groups.filter(({ kind }) => kind === "account"));
  const isAbove = ({ groupId, parents }: (typeof accounts)[number]) =>
    [groupId, ...parents].some((id) => told.includes(id));
  return new Set(accounts.filter(isAbove).map(({ groupId }) => groupId));
}

describe("somebody who is erased", () => {
  it("is gone, and everybody else is, byte by byte, who she was (G1)", async (t) => {
    await fc.assert(
      fc.asyncProperty(told, point, async (events, drawn) => {
        const before = await foldEach(events);
        const fold = await foldEach(events);
        const at = Math.max(...events.map(({ recordedAt }) => recordedAt));
        const asked = await request(fold, drawn, "r1", at);
        if (asked === null) return;
        campaign.add(events);
        await fold.erase(asked);
        const was = (await before.readPeople()).profiles;
        const is = (await fold.readPeople()).profiles;
        const hers = new Set([...asked.own, ...asked.claimed]);
        const keysOf = ({ identifiers }: ProfileLine) =>
          identifiers.flatMap(({ namespace, value, state }) => {
            const isShared = state === "contested";
            return isShared ? [] : [keyOf(namespace, value)];
          });
        const isShared = (profile: ProfileLine) =>
          profile.identifiers.every(({ namespace, value }) => asked.shared.includes(keyOf(namespace, value)));
        const isHers = (profile: ProfileLine) => keysOf(profile).some((key) => hers.has(key));
        const gone = new Set(was.flatMap((one) => (isHers(one) || isShared(one) ? [one.profileId] : [])));
        const retold = listRetold(events, new Set([...hers, ...asked.shared]), [...was, ...is]);
        const others = (list: readonly ProfileLine[]) =>
          list
            .filter((profile) => !isHers(profile) && !isShared(profile))
            .map((one) => describeLine(one, gone, retold));
        deepEqual(others(is), others(was));
        deepEqual(is.filter(isHers), []);
        for (const { view } of is)
          for (const { members } of view.groups) ok(!members.some((id) => gone.has(id)), "nobody is with her any more");
        // What she shared is whose it was, and says nothing.
        const names = (list: readonly ProfileLine[]) =>
          list.filter(isShared).map(({ profileId, identifiers }) => ({ profileId, identifiers }));
        deepEqual(names(is), names(was));
        for (const profile of is.filter(isShared)) deepEqual(profile.view.counters, {});
        for (const { view } of was) {
          const accounts = view.groups.filter(({ kind, parents }) => kind === "account" && parents.length > 0);
          met.accounts += accounts.length;
          met.retold += accounts.filter(({ groupId }) => retold.has(groupId)).length;
        }
        met.erased += 1;
        met.others += others(was).length;
        met.shared += names(was).length;
      }),
      runs(600),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.erased > 0 && met.accounts > met.retold);
  });

  it("leaves what the oracle leaves, whatever comes before and after, late or again (G1, I1, P1)", async (t) => {
    await fc.assert(
      fc.asyncProperty(
        told,
        fc.array(point, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (drawn, points, inOrder) => {
          const events = inOrder ? drawn.toSorted((a, b) => a.recordedAt - b.recordedAt) : drawn;
          const places = points
            .map((one) => ({ ...one, place: one.place % (events.length + 1) }))
            .toSorted((a, b) => a.place - b.place);
          const fold = await foldEach([]);
          const requests: ErasureRequest[] = [];
          let done = 0;
          for (const [number, one] of places.entries()) {
            for (const event of events.slice(done, one.place)) await fold.add([event]);
            done = one.place;
            const at = Math.max(
              0,
              ...requests.map((r) => r.at),
              ...events.slice(0, done).map(({ recordedAt }) => recordedAt),
            );
            const asked = await request(fold, one, `r${number}`, at);
            if (asked === null) continue;
            requests.push(asked);
            await fold.erase(asked);
          }
          for (const event of events.slice(done)) await fold.add([event]);
          const oracle = recomputePeople(events, configuration, hash, 0, requests);
          const people = await fold.readPeople();
          deepEqual(comparePeople(people), compareOracle(oracle));
          const consents = people.profiles.flatMap(({ view }) => view.consents);
          met.kept += consents.filter(({ source }) => source === PRIVACY).length;
          met.objections += requests.filter(({ objections }) => objections.length > 0).length;
          checkStream(fold.outputs, oracle, hash);
          met.requests += requests.length;
          met.suppressed += fold.outcomes.filter(({ outcome }) => outcome === "suppressed").length;
          campaign.add(events);
        },
      ),
      runs(1_500),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.suppressed > met.requests / 4, "late and repeated events met their erasure");
    checkMet(met.objections > 0 && met.kept > 0, "objections outlived it");
  });

  it("is erased the same on any number of shards, whoever crashes, while her events arrive (G1, I1, S1)", async (t) => {
    const layout = fc.record({
      shards: fc.integer({ min: 1, max: 8 }),
      resolvers: fc.integer({ min: 1, max: 4 }),
      seed: fc.noShrink(fc.integer()),
    });
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(told, point, layout, fc.constantFrom(0, 20), async (events, drawn, how, faults) => {
        const cluster = new Cluster({ configuration, hash, ...how, faults });
        const place = drawn.place % (events.length + 1);
        await cluster.run(events.slice(0, place));
        const at = Math.max(0, ...events.slice(0, place).map(({ recordedAt }) => recordedAt));
        const one = await request(cluster, drawn, "r", at);
        if (one !== null) cluster.ask(one);
        // What is said of a claimed or shared identifier while the request is on its way is not told apart (SPEC 9).
        if (one !== null && one.claimed.length + one.shared.length > 0) await cluster.run([]);
        await cluster.run(events.slice(place));
        const requests = one === null ? [] : [one];
        asked += requests.length;
        deepEqual(await cluster.findUnsettled(), []);
        const oracle = recomputePeople(events, configuration, hash, 0, requests);
        // Which moves were made, and are told back, while the request was on its way is a matter of how far it had come.
        deepEqual(comparePeople(await cluster.readPeople()), compareOracle(oracle));
        campaign.add(events);
      }),
      runs(600),
    );
    t.diagnostic(`${asked} requests`);
  });

  it("is erased in histories of 5 to 60 events", (t) => {
    t.diagnostic(campaign.describe());
    campaign.checkSizes();
  });
});

function keyOf(namespace: string, value: string): string {
  const acceptance = acceptEvent(registry, "crm", 0, {
    eventId: "k",
    type: "identified",
    occurredAt: Date.UTC(2026, 0, 1),
    identifiers: [{ namespace, value }],
  });
  return acceptance.ok ? (acceptance.accepted.identifiers[0]?.key ?? "") : "";
}
