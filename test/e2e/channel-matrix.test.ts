// Each pair of channels, joined by each identifier that both can name, on real services (S85): web x app x social x store
// x call centre. And what must not join: a shared phone, and claims of somebody who has logged in.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { People } from "#services/wire/profile-reader.ts";
import { Deployment } from "#support/deployment.ts";
import { servicesOrSkip } from "#support/services.ts";
import { ENDED_WELL, Worker } from "#support/workers.ts";

const CHANNELS = ["web", "app", "social", "store", "call-centre"] as const;
type Channel = (typeof CHANNELS)[number];

/** What a channel names beside the shared identifier: its own way to know somebody. */
const OWN: Readonly<Record<Channel, string>> = {
  web: "cookie",
  app: "device",
  social: "social",
  store: "payment-card",
  "call-centre": "crm-contact",
};
const LOGGED_IN: Readonly<Partial<Record<Channel, string>>> = { web: "customer", app: "customer", store: "card" };
const SHARED = ["customer", "card", "email", "phone", "social"] as const;

function valueOf(namespace: string, n: number): string {
  if (namespace === "email") return `person${n}@example.fr`;
  if (namespace === "phone") return `+3363998${String(1000 + n)}`;
  return `${namespace}-${n}`;
}

interface Case {
  readonly a: Channel;
  readonly b: Channel;
  readonly shared: string;
  /** Their own namespaces. */
  readonly own: readonly [string, string];
  readonly isJoined: boolean;
}

function listCases(): Case[] {
  const cases: Case[] = [];
  for (const [i, a] of CHANNELS.entries()) {
    for (const b of CHANNELS.slice(i + 1)) {
      for (const shared of SHARED) {
        // A shop and a call centre both know a phone for sure, and a phone joins nobody.
        const isJoined = !(shared === "phone" && a === "store" && b === "call-centre");
        cases.push({ a, b, shared, own: [OWN[a], OWN[b]], isJoined });
      }
    }
  }
  // Two people who are both known: an address, a number or a handle that one of them typed joins them never (I5).
  for (const a of ["web", "app"] as const)
    for (const b of ["store", "call-centre"] as const)
      for (const shared of ["email", "phone", "social"])
        cases.push({ a, b, shared, own: [LOGGED_IN[a] ?? "", LOGGED_IN[b] ?? OWN[b]], isJoined: false });
  return cases;
}

/** The two identifiers by which a case is recognised; where a channel's own is the shared one, it is that. */
function ownOf({ own, shared }: Case, side: 0 | 1, n: number): { namespace: string; value: string } {
  const namespace = own[side];
  return { namespace, value: valueOf(namespace, namespace === shared ? 2 * n : 2 * n + side) };
}

function writeEvents(cases: readonly Case[], atMs: number): string {
  const lines = cases.flatMap((one, n) =>
    ([0, 1] as const).map((side) => {
      const shared = { namespace: one.shared, value: valueOf(one.shared, 2 * n) };
      const own = ownOf(one, side, n);
      const identifiers = own.namespace === one.shared ? [shared] : [own, shared];
      const source = side === 0 ? one.a : one.b;
      return JSON.stringify({ source, eventId: `${n}-${side}`, type: "page-viewed", occurredAt: atMs, identifiers });
    }),
  );
  return `${lines.join("\n")}\n`;
}

function findHolder(people: People, { namespace, value }: { namespace: string; value: string }): string | undefined {
  return people.profiles.find(({ identifiers }) =>
    identifiers.some((one) => one.namespace === namespace && one.value === value && one.state === "owned"),
  )?.profileId;
}

test("each pair of channels is joined by each identifier that both can name, and by no other (S85, I5)", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services);
  let worker: Worker | null = null;
  try {
    await deployment.open();
    const cases = listCases();
    const file = deployment.write("matrix.jsonl", writeEvents(cases, Date.now() - 60_000));
    await deployment.mustRun(["topics", "create"]);
    worker = new Worker(deployment, "up");
    await worker.waitFor(/^running$/);
    await deployment.mustRun(["import", "--quiet", file]);
    await deployment.settle();
    const { people } = await deployment.readStore();
    for (const [n, one] of cases.entries()) {
      const holders = ([0, 1] as const).map((side) => findHolder(people, ownOf(one, side, n)));
      const isJoined = holders[0] !== undefined && holders[0] === holders[1];
      const name = `${one.a} (${one.own[0]}) and ${one.b} (${one.own[1]}) by ${one.shared}`;
      assert.ok(!holders.includes(undefined), `${name}: both are somebody's`);
      assert.equal(isJoined, one.isJoined, name);
    }
    const joined = cases.filter(({ isJoined }) => isJoined).length;
    t.diagnostic(
      `${cases.length} combinations of channels and identifiers: ${joined} join, ${cases.length - joined} do not`,
    );
    assert.equal(await deployment.countDeadLetters(), 0);
    assert.deepEqual(await worker.stop(), ENDED_WELL);
  } catch (error) {
    if (worker !== null) console.error(worker.describe());
    throw error;
  } finally {
    await worker?.kill();
    await deployment.close();
  }
});
