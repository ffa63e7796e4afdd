// A source whose figures fall below its floors is held back on real services, announced, seen, and released (S47): what it
// says meanwhile joins nobody, and a fold that is told of the same span has the same people.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Ground } from "#support/ground.ts";
import { ENDED_WELL } from "#support/workers.ts";

const MINUTE_MS = 60_000;
const YAML = `sources:
  - { name: web, assurance: { customer: authenticated }, trustedForOrders: true }
  - { name: store, assurance: { "*": authenticated }, trustedForOrders: true, floors: { events: 10, valid: 0.9, filled: { identifiers.email: 0.5 } } }`;

interface Said {
  readonly source: string;
  readonly held: boolean;
  readonly from: string;
  readonly reason: string;
  readonly figures: Readonly<Record<string, number>>;
}

test("a source below its floors is held back, announced, and released; a fold has the same people (I1, O4)", async (t) => {
  const work = async (ground: Ground): Promise<void> => {
    const { deployment } = ground;
    await deployment.mustRun(["topics", "create"]);
    const up = await ground.start("up");
    const lines: string[] = [];
    let count = 0;
    /** At a record time of its own. */
    const write = (atMs: number, source: string, names: Readonly<Record<string, string>>, more = {}) => {
      const [recordedAt, occurredAt] = [atMs, Date.now() - MINUTE_MS].map((ms) => new Date(ms).toISOString());
      const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
      count += 1;
      const event = { source, eventId: `e${count}`, type: "identified", occurredAt, recordedAt, identifiers, ...more };
      lines.push(JSON.stringify(event));
      return JSON.stringify(event);
    };
    const produce = async (...events: readonly string[]) => {
      await deployment.mustRun(["produce", "--quiet", "-"], events.join("\n"));
      await deployment.settle();
    };
    const run = async (...args: string[]) => JSON.parse(await deployment.mustRun([...args, "--json"])) as Said;
    const countPeople = async () => (await deployment.readStore()).people.profiles.length;

    const startMs = Date.now();
    const people = [1, 2, 3, 4].flatMap((n): Readonly<Record<string, string>>[] => [
      { card: `20${n}`, email: `a${n}@x.fr` },
      { email: `b${n}@x.fr` },
    ]);
    await produce(...people.map((names, n) => write(startMs + n, "store", names)));
    assert.deepEqual((await run("sources", "watch")).figures, null, "of so few nothing is said");
    // An order without an order part is none.
    const empty = { type: "order-placed" };
    await produce(...[8, 9].map((n) => write(startMs + n, "store", { card: `20${n}` }, empty)));
    const tried = await run("sources", "watch", "--dry-run");
    assert.deepEqual(tried.figures, { valid: 800_000, stitched: 1_000_000, "identifiers.email": 1_000_000 });
    assert.equal(tried.reason, "valid 80.0 % below 90.0 %, of its latest 10 records");
    assert.match(await deployment.mustRun(["sources"]), /^store: never held back$/m, "a dry run writes nothing");

    const held = await run("sources", "watch");
    const fromMs = Date.parse(held.from);
    assert.ok(held.held && fromMs > Date.now() + MINUTE_MS / 2, "it takes effect when everybody knows");
    assert.match(await deployment.mustRun(["sources"]), /^store: held back since .*valid 80\.0 % below 90\.0 %/m);
    assert.equal(await deployment.mustRun(["sources", "watch"]), "", "who is held back is not held back again");
    assert.equal(await countPeople(), 8);

    // Recorded before it takes effect, and come after: as ever. From then on: a claim.
    await produce(
      write(fromMs - 1, "store", { card: "220", email: "c@x.fr" }),
      write(fromMs, "store", { card: "201", email: "b1@x.fr" }),
      write(fromMs + 1, "store", { card: "230", email: "d@x.fr" }),
    );
    await up.waitFor(/^a source is held back/);
    const find = async (name: string) =>
      (await deployment.readStore()).people.profiles.find((one) => one.identifiers.some(({ value }) => value === name));
    assert.equal(await countPeople(), 10, "nobody became one with anybody");
    assert.equal((await find("a1@x.fr"))?.identifiers.length, 2);
    const doctor = await deployment.run(["doctor"]);
    assert.match(doctor.out, /^warn {2}sources: held back: store \(valid 80\.0 %/m);
    assert.match(await deployment.mustRun(["report", "quality"]), /Sources held back[^]*store[^]*valid 80\.0 %/);

    const by = ["--author", "ana", "--reason", "mended"];
    const released = await run("sources", "release", "store", ...by);
    const toMs = Date.parse(released.from);
    await produce(
      write(toMs - 1, "store", { card: "202", email: "b2@x.fr" }),
      write(toMs, "store", { card: "203", email: "b3@x.fr" }),
      // What was told in vain counts when it is told anew.
      write(toMs + 1, "store", { card: "201", email: "b1@x.fr" }),
    );
    const { digest } = await deployment.readStore();
    const together = async (one: string, other: string) =>
      (await find(one))?.profileId === (await find(other))?.profileId;
    assert.deepEqual(
      [
        await together("a2@x.fr", "b2@x.fr"),
        await together("a3@x.fr", "b3@x.fr"),
        await together("a1@x.fr", "b1@x.fr"),
      ],
      [false, true, true],
    );
    assert.deepEqual((await run("sources", "watch")).figures, null, "what it said before the release is no reason");

    const file = deployment.write("events.jsonl", `${lines.toReversed().join("\n")}\n`);
    const span = `store=${held.from}/${released.from}`;
    const folded = await deployment.run([
      "fold",
      "--json",
      "--out",
      join(deployment.folder, "out"),
      "--hold",
      span,
      file,
    ]);
    const summary = JSON.parse(folded.out) as { readonly digest: string; readonly heldBack: unknown };
    assert.equal(summary.digest, digest, "a fold that is told of the span");
    assert.deepEqual([folded.code, summary.heldBack], [3, { store: 3 }]);
    assert.deepEqual(await up.stop(), ENDED_WELL);
    assert.deepEqual(up.lines.findLast(({ msg }) => msg === "stopped")?.["heldBack"], { store: 3 });
  };
  await Ground.use(t, work, () => ({ yaml: YAML }));
});
