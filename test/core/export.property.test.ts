// What a person is given of what is kept (Art. 15), for random people of random histories, in a scrambled cluster: all that the
// oracle says is hers, by any identifier of hers that is vouched for, and nothing of anybody else.
// WEFT_PROPERTY_RUNS and WEFT_PROPERTY_SEED as elsewhere.

import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { compareText } from "#core/comparison.ts";
import { identifierKey } from "#core/identifier.ts";
import { profileId } from "#core/profile.ts";
import { rulingType } from "#core/ruling.ts";
import { subjectExportSchema } from "#services/wire/export-schema.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";
import type { SubjectExport } from "#services/wire/subject-export.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster } from "#support/cluster.ts";
import { exportFrom, listTransitions, loaded } from "#support/exporting.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { START_MS, tell } from "#support/fold-events.ts";
import { configuration, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { type OracleProfile, recomputePeople } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";

const campaign = new Campaign();

const layout = fc.record({
  shards: fc.integer({ min: 1, max: 8 }),
  resolvers: fc.integer({ min: 1, max: 4 }),
  seed: fc.noShrink(fc.integer()),
});

function describeExport(data: SubjectExport) {
  const { profileId, segment, audiences, scores, identifiers, attributes: view, events } = data;
  const line = { profileId, identifiers, segment: segment.name, audiences: audiences.map(({ name }) => name), scores };
  const groups = view.groups.map((group) => ({ ...group, members: [] }));
  const [profile] = comparePeople({
    profiles: [{ ...line, view: { ...view, groups } }],
    unattributedOrders: 0,
    holders: new Map(),
  }).profiles;
  return {
    profile,
    events: events.map(({ source, eventId, event }) => ({
      source,
      eventId,
      identifiers: event.identifiers.map(({ namespace, value }) => `${namespace}:${value}`).toSorted(),
    })),
  };
}

function describeOracle(profile: OracleProfile) {
  const [plain] = compareOracle({ profiles: [profile], unattributedOrders: 0, orders: 0, givenUp: new Set() }).profiles;
  return { profile: plain, events: profile.events };
}

/** Who else is in her household is not for her to be given. */
function withoutMembers(profile: OracleProfile): OracleProfile {
  const groups = profile.dossier["groups"] as readonly object[];
  return { ...profile, dossier: { ...profile.dossier, groups: groups.map((group) => ({ ...group, members: [] })) } };
}

/** Of the term that she is told, all but since when. */
function describeTerm({ dossier, validOrders }: OracleProfile, since: string | null) {
  const [restrictions, cases, subscriptions] = ["restrictions", "cases", "subscriptions"].map(
    (facet) => dossier[facet] as readonly { readonly status?: string | null }[],
  );
  const isOn = (status: string | null | undefined) => !/^(cancell?ed|ended|expired)$/.test(status ?? "");
  const keepers = {
    restriction: restrictions?.length !== 0,
    "open-case": cases?.some(({ status }) => status !== "closed"),
    subscription: subscriptions?.some(({ status }) => isOn(status)),
  };
  const keptBy = Object.entries(keepers).find(([, holds]) => holds === true)?.[0] ?? null;
  const whom = validOrders > 0 ? "customers" : "prospects";
  const { purpose = null, afterMs = null } = loaded.deployment.retention.rules.find((one) => one.whom === whom) ?? {};
  const isDue = keptBy === null && since !== null && afterMs !== null;
  return {
    whom,
    purpose,
    afterMs,
    since,
    keptBy,
    dueAt: isDue ? new Date(Date.parse(since) + afterMs).toISOString() : null,
  };
}

/** What was told under ids of identifiers that are hers, by all outputs. */
function listPassages(
  cluster: Cluster,
  { identifiers, events }: OracleProfile,
  givenUp: ReadonlySet<string>,
): string[] {
  const own = identifiers.filter(({ key, state }) => state === "owned" && !givenUp.has(key));
  const ids = new Set(own.map(({ key }) => profileId(hash, key)));
  const hers = new Set(events.map(({ source, eventId }) => `${source} ${eventId}`));
  const told = listTransitions(cluster).filter((one) => ids.has(one.profileId));
  const taken = new Map(told.flatMap(({ retracts, cause }) => (retracts === null ? [] : [[retracts, cause] as const])));
  return told.flatMap(({ kind, transitionId, at, from, to, source, eventId }) => {
    const by = hers.has(`${source} ${eventId}`) ? `${source} ${eventId}` : "nobody";
    return kind === "transition" ? [`${transitionId} ${at} ${from} ${to} ${by} ${taken.get(transitionId) ?? ""}`] : [];
  });
}

function describePassages({ transitions }: SubjectExport): string[] {
  return transitions.map(({ transitionId, at, from, to, source, eventId, retractedBy }) => {
    const by = eventId === null ? "nobody" : `${source} ${eventId}`;
    return `${transitionId} ${Date.parse(at)} ${from} ${to} ${by} ${retractedBy ?? ""}`;
  });
}

const byName = <T extends { source: string; eventId: string }>(events: readonly T[]) =>
  events.toSorted((a, b) => compareText(`${a.source} ${a.eventId}`, `${b.source} ${b.eventId}`));

function* leavesOf(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) yield* leavesOf(one);
}

function start(how: { readonly shards: number; readonly resolvers: number; readonly seed: number }) {
  const options = { index: openMemoryIndex(), identityKey: Buffer.alloc(32, 7), topic: "weft.keys", now: () => 0 };
  const openKeys = () => new PayloadKeys(options);
  return { keys: openKeys(), cluster: new Cluster({ configuration, hash, ...how, faults: 0, openKeys }) };
}

const met = { given: 0, kept: 0, passages: 0, refused: 0, shared: 0, events: 0, groups: 0 };

describe("what a person is given", () => {
  it("is what the oracle says is hers: events, identifiers, orders and consents, and nothing of others (Art. 15, G1)", async (t) => {
    await fc.assert(
      fc.asyncProperty(usual, layout, fc.nat(), fc.nat(), async ({ events }, how, whom, by) => {
        const { cluster, keys } = start(how);
        await cluster.run(events);
        campaign.add(events);
        const { profiles, givenUp } = recomputePeople(events, configuration, hash);
        const profile = profiles[whom % Math.max(1, profiles.length)];
        const owned = profile?.identifiers.filter(({ state }) => state === "owned") ?? [];
        const name = owned[by % Math.max(1, owned.length)];
        if (profile === undefined || name === undefined) return;
        const exported = await exportFrom(cluster, keys, name.namespace, name.value);
        if (!exported.ok) {
          met.refused += 1;
          deepEqual(exported.reason, "claimed-only");
          return;
        }
        const { data } = exported;
        subjectExportSchema.parse(JSON.parse(JSON.stringify(data)));
        const [is, was] = [describeExport(data), describeOracle(withoutMembers(profile))];
        deepEqual(is.profile, was.profile);
        deepEqual(byName(is.events), byName(was.events));
        deepEqual(data.retention, describeTerm(profile, data.retention.since));
        deepEqual(describePassages(data).toSorted(), listPassages(cluster, profile, givenUp).toSorted());
        met.given += 1;
        met.passages += data.transitions.length;
        if (data.retention.keptBy !== null) met.kept += 1;
        met.events += is.events.length;
        if (profile.identifiers.some(({ state }) => state === "contested")) met.shared += 1;
        // A number that was told of her as a trait is a contact of hers, whoever else has it.
        const contacts = profile.dossier["contacts"] as readonly { readonly value: string }[];
        const hers = new Set([...profile.identifiers, ...contacts].map(({ value }) => value));
        const others = profiles.flatMap(({ identifiers }) => identifiers.map(({ value }) => value));
        const ids = profiles.flatMap(({ profileId }) => (profileId === profile.profileId ? [] : [profileId]));
        const foreign = new Set([...others.filter((value) => !hers.has(value)), ...ids]);
        for (const text of leavesOf(data)) ok(!foreign.has(text), `${text} is somebody else's`);
        if (data.attributes.groups.length > 0) met.groups += 1;
      }),
      runs(120),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(
      met.given > 0 &&
        met.refused > 0 &&
        met.shared > 0 &&
        met.kept > 0 &&
        met.passages > met.given &&
        met.groups > 0 &&
        met.events > met.given,
    );
  });

  it("names nobody whose address took the place of hers, or hers of (G1)", async () => {
    const { cluster, keys } = start({ shards: 1, resolvers: 1, seed: 1 });
    const replaced = { namespace: "email", old: "ana@example.fr", new: "ben@example.fr" };
    await cluster.run([
      tell("call-centre", 1, "identified", { "crm-contact": "m-1", email: "ben@example.fr" }),
      tell("crm", 2, "identifier-replaced", { "crm-contact": "m-2" }, { replaced }),
    ]);
    const exported = await exportFrom(cluster, keys, "crm-contact", "m-2");
    ok(exported.ok);
    deepEqual(
      exported.data.events.map(({ eventId, event }) => [eventId, event.replaced]),
      [["crm-2", null]],
    );
    ok(!JSON.stringify(exported.data).includes("ben@"));
  });

  it("has what she went through as nobody, and nothing of whoever shared her device, was one person with her, or was erased (G1)", async () => {
    const { cluster, keys } = start({ shards: 1, resolvers: 1, seed: 1 });
    const play = async (...events: readonly FoldEvent[]) => {
      for (const event of events) await cluster.run([event]);
    };
    const give = async (value: string, namespace = "customer") => {
      const exported = await exportFrom(cluster, keys, namespace, value);
      return exported.ok ? exported.data.transitions : [];
    };
    const idOf = (namespace: string, value: string) =>
      profileId(hash, identifierKey(cluster.engine.registry, namespace, value));
    const tablet = { cookie: "tablet" };
    await play(tell("web", 1, "page-viewed", tablet), tell("web", 2, "identified", { customer: "c-1", ...tablet }));
    const alone = await give("c-1");
    deepEqual(
      alone.map((one) => [one.profileId, one.from, one.eventId]),
      [
        [idOf("cookie", "tablet"), null, "web-1"],
        [idOf("customer", "c-1"), "visitor", "web-2"],
      ],
    );
    await play(tell("web", 4, "identified", { customer: "c-2", ...tablet }), tell("web", 5, "product-added", tablet));
    for (const customer of ["c-1", "c-2"])
      for (const one of await give(customer)) {
        deepEqual(one.profileId, idOf("customer", customer));
        ok(one.eventId === null || one.eventId === (customer === "c-1" ? "web-2" : "web-4"), one.eventId ?? "");
      }
    ok((await give("tablet", "cookie")).length > 0);
    const draft = await cluster.draftErasure("customer", "c-1");
    ok(draft.ok);
    cluster.ask({ requestId: "r", at: START_MS + 10 * 60_000, ...draft.keys });
    await play(tell("web", 12, "page-viewed", tablet));
    deepEqual(await give("tablet", "cookie"), [], "of before it was hers too");

    const pair = { customer: "c-3", email: "eva@example.fr" };
    await play(
      tell("crm", 21, "identified", { customer: "c-3" }),
      tell("crm", 22, "identified", { email: pair.email }),
      tell("operator", 23, rulingType("linked"), pair),
    );
    const former = new Set((await give("c-3")).map((one) => one.profileId));
    deepEqual(former, new Set([idOf("customer", "c-3"), idOf("email", pair.email)]));
    await play(tell("operator", 24, rulingType("apart"), pair));
    deepEqual(new Set((await give("c-3")).map((one) => one.profileId)), new Set([idOf("customer", "c-3")]));
  });
});
