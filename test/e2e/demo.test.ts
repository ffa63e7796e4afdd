// The demo as people run it: what its story claims, checked on the facts that it read back.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import type { Fact } from "#services/demo/question.ts";
import type { Summary } from "#services/demo/summary.ts";
import { makeFolder } from "#support/folder.ts";

const WEFT = resolve(import.meta.dirname, "../../services/cli/weft.js");

interface Opened {
  readonly fact: "opened";
  readonly folder: string;
  readonly storyEvents: number;
  readonly trafficEvents: number;
}

interface LookedUp {
  readonly fact: undefined;
  readonly found: boolean;
  readonly profile: {
    readonly profileId: string;
    readonly segment: string;
    readonly identifiers: readonly { readonly namespace: string }[];
    readonly view: { readonly orders: readonly { readonly totalMinor: number }[] };
  };
}

type Line = Fact | Summary | Opened | LookedUp;

async function run(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [WEFT, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { code, out, err };
}

async function play(args: readonly string[]): Promise<Line[]> {
  const { code, out, err } = await run(["demo", "--json", ...args]);
  assert.deepEqual([code, err], [0, ""]);
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

function pick<Kind extends Exclude<Line["fact"], undefined>>(
  lines: readonly Line[],
  fact: Kind,
): Extract<Line, { fact: Kind }>[] {
  return lines.filter((line): line is Extract<Line, { fact: Kind }> => line.fact === fact);
}

const first = await play(["--seed", "1"]);
const story = (lines: readonly Line[]) => lines.filter(({ fact }) => fact !== "opened" && fact !== "summary");

test("another seed changes the passers-by and leaves the story as it is", async () => {
  const second = await play(["--seed", "2"]);
  assert.deepEqual(story(second), story(first));
  const [one] = pick(first, "opened");
  const [two] = pick(second, "opened");
  assert.equal(one?.storyEvents, two?.storyEvents);
  assert.notEqual(one?.trafficEvents, two?.trafficEvents);
  assert.notEqual(pick(first, "summary")[0]?.digest, pick(second, "summary")[0]?.digest);
});

test("the same seed tells the same, to the byte but for the folder's name", async () => {
  const again = await play([]);
  const rest = (lines: readonly Line[]) => lines.filter(({ fact }) => fact !== "opened");
  assert.deepEqual(rest(again), rest(first));
});

test("a cookie becomes a known person at the log-in, under another id and without a transition (I6)", () => {
  const [visitor] = pick(first, "arrived");
  const [recognised] = pick(first, "recognised");
  assert.deepEqual([visitor?.from, visitor?.to, visitor?.identifiers.length], [null, "visitor", 1]);
  assert.equal(recognised?.person, "Marie");
  assert.equal(recognised?.kind, "alias");
  assert.equal(recognised?.known, true);
  assert.equal(recognised?.formerProfileId, visitor?.profileId);
});

test("an address that is only typed joins nobody; the record that names card, e-mail and customer does (I5)", () => {
  const [apart] = pick(first, "apart");
  const [merged] = pick(first, "merged");
  const card = pick(first, "arrived").find(({ identifiers }) =>
    identifiers.some(({ namespace }) => namespace === "card"),
  );
  assert.equal(apart?.identityChanges, 0);
  assert.notEqual(apart?.holder, apart?.profileId);
  assert.equal(apart?.holder, card?.profileId);
  assert.deepEqual([merged?.profileId, merged?.absorbedProfileId], [apart?.profileId, apart?.holder]);
  assert.deepEqual(merged?.namespaces, ["card", "email"], "what was the card's");
  const shown = first.find((line): line is LookedUp => line.fact === undefined);
  for (const wanted of ["card", "customer", "email", "phone"])
    assert.ok(
      shown?.profile.identifiers.some(({ namespace }) => namespace === wanted),
      wanted,
    );
  const moves = merged?.moves.map(({ from, to, cause }) => `${from} ${to} ${cause}`) ?? [];
  assert.deepEqual(new Set(moves), new Set(["one-buyer multi-buyer merge", "one-buyer null merge"]));
});

test("an agent finds her by telephone, and nobody by a number that two people share", () => {
  const [marie, landline] = pick(first, "looked-up");
  assert.deepEqual(
    [marie?.found, marie?.person, marie?.segment, marie?.orders, marie?.orderedMinor],
    [true, "Marie Lefort", "multi-buyer", 2, { EUR: 36_900 }],
  );
  assert.deepEqual([landline?.found, landline?.reason, landline?.person], [false, "held-apart", null]);
});

test("one tablet, two log-ins: the cookie is contested and nobody is merged (I5)", () => {
  const [shared] = pick(first, "shared");
  assert.deepEqual([shared?.person, shared?.state, shared?.identityChanges], ["Inès", "contested", { split: 1 }]);
});

test("exactly one transition multi-buyer to ambassador comes out, with the voucher's facts, also when the order comes twice (O2, P1)", () => {
  const promotions = pick(first, "promoted");
  assert.equal(promotions.length, 1);
  const [promoted] = promotions;
  assert.deepEqual([promoted?.from, promoted?.to, promoted?.cause], ["multi-buyer", "ambassador", "event"]);
  assert.deepEqual([promoted?.validOrders, promoted?.spentMinor, promoted?.count], [5, { EUR: 105_050 }, 1]);
  assert.deepEqual(
    pick(first, "repeated").map(({ records, transitions }) => [records, transitions]),
    [[0, 1]],
  );
  assert.deepEqual(
    pick(first, "ordered").map(({ validOrders, segment, transitions }) => [validOrders, segment, transitions]),
    [
      [3, "multi-buyer", 0],
      [4, "multi-buyer", 0],
    ],
  );
});

test("the cart that was bought in store by card draws no reminder, the other one exactly one, once the till has told (T2)", () => {
  const [awaited] = pick(first, "awaited");
  const [spared] = pick(first, "spared");
  const [reminded] = pick(first, "reminded");
  assert.deepEqual([awaited?.people, awaited?.signals], [["Nadia", "Paul"], 0]);
  assert.deepEqual([spared?.person, spared?.source, spared?.signals], ["Nadia", "store", 0]);
  assert.deepEqual(
    [reminded?.person, reminded?.signal, reminded?.count, reminded?.certainty, reminded?.cartMinor],
    ["Paul", "abandoned-cart", 1, "complete", { EUR: 5_990 }],
  );
  assert.ok((reminded?.at ?? "") > (reminded?.dueAt ?? ""), "due on Friday evening, sent with the file of Saturday");
});

test("names that are no names are a dead letter with a reason (I4, O1)", () => {
  assert.deepEqual(
    pick(first, "refused").map(({ topic, reason }) => [topic, reason]),
    [["channel-app.dlq", "no-identifier"]],
  );
});

test("every event has one outcome, every person one segment, and the fold confirms the digest (O1, P1)", () => {
  const [summary] = pick(first, "summary");
  const [opened] = pick(first, "opened");
  const total = (counts: Readonly<Record<string, number>> = {}) => Object.values(counts).reduce((a, b) => a + b, 0);
  assert.equal(summary?.records, (opened?.storyEvents ?? 0) + (opened?.trafficEvents ?? 0));
  assert.equal(total(summary?.outcomes), summary?.records);
  assert.equal(total(summary?.segments), summary?.people);
  assert.equal(summary?.digest, summary?.refoldedDigest);
});

test("what is shown at the end is the heroine as weft lookup prints her, from the closed files", () => {
  const [profile] = first.filter((line): line is LookedUp => line.fact === undefined);
  const [promoted] = pick(first, "promoted");
  assert.equal(profile?.profile.profileId, promoted?.profileId);
  assert.equal(profile?.profile.segment, "ambassador");
  const spent = profile?.profile.view.orders.reduce((sum, { totalMinor }) => sum + totalMinor, 0);
  assert.equal(spent, 105_050);
});

test("the folder goes, unless it is kept: then digest and fold find the same people in it", async () => {
  const [gone] = pick(first, "opened");
  assert.ok(gone !== undefined && !existsSync(gone.folder));
  const lines = await play(["--people", "0", "--keep"]);
  const [kept] = pick(lines, "opened");
  const [summary] = pick(lines, "summary");
  assert.ok(kept !== undefined && summary !== undefined);
  const out = makeFolder("fold");
  try {
    const here = ["--config", join(kept.folder, "weft.yaml"), "--embedded", "--json"];
    const digest = await run([...here, "digest"]);
    const explained = await run([...here, "explain", "phone:0639980017", "customer:C-1001"]);
    const { one, links } = JSON.parse(explained.out) as { one: boolean; links: { source: string; a: string }[] };
    // The typed address did not do it; the record of the customer file did.
    assert.deepEqual([one, links.map(({ source }) => source)], [true, ["crm", "store", "crm"]]);
    assert.ok(!explained.out.includes("C-1001"), "values are masked");
    const fold = await run(["--json", "fold", "--out", out, join(kept.folder, "events.jsonl")]);
    assert.equal((JSON.parse(digest.out) as Summary).digest, summary.digest);
    assert.equal((JSON.parse(fold.out) as Summary).digest, summary.digest);
    // An automation beside it: Marie's voucher and Paul's cart, and each once (S46).
    const sent = async () => (await run([...here, "demo-automation"])).out.trim().split("\n").filter(Boolean);
    const kinds = (await sent()).map((line) => (JSON.parse(line) as { kind: string }).kind);
    assert.deepEqual(kinds.toSorted(), ["reminder", "voucher"]);
    assert.deepEqual(await sent(), [], "not again");
    // The matrix of the topic is that of the fold.
    const ofTopic = await run([...here, "report", "matrix"]);
    const ofFold = await run(["--json", "report", "matrix", "--from", out]);
    assert.ok(ofTopic.out.includes("ambassador"));
    assert.equal(ofTopic.out, ofFold.out);
    assert.equal((await run([...here, "report", "matrix"])).out, ofTopic.out, "read on, counted once");
  } finally {
    for (const folder of [kept.folder, out]) rmSync(folder, { recursive: true });
  }
});

test("the demo takes no configuration but its own, and no crowd beyond its limit", async () => {
  for (const args of [
    ["--config", "weft.yaml"],
    ["--people", "2001"],
    ["--seed", "x"],
  ]) {
    const { code, out } = await run(["demo", ...args]);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
  }
});
