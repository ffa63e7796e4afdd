// A year of real invoices with a resolver and a stitcher that are killed on the way. The data is not part of this
// repository ("Online Retail", UCI Machine Learning Repository, CC BY 4.0), and it takes a minute or two:
//   WEFT_RETAIL_FILE=online_retail.csv.gz node test/run.ts test/e2e/kill-retail.test.ts

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Deployment } from "#support/deployment.ts";
import { LiveReader } from "#support/live-reader.ts";
import { servicesOrSkip } from "#support/services.ts";
import { Crew, ENDED_WELL } from "#support/workers.ts";

const FILE = process.env["WEFT_RETAIL_FILE"] ?? "";
const EXAMPLE = resolve(import.meta.dirname, "../../infra/examples/online-retail.weft.yaml");
const INVOICES = 25_900;
const CUSTOMERS = 4_372;

test("a year of invoices gives the digest of its fold though resolver and stitcher are killed (O1, O2, S1)", async (t) => {
  if (FILE === "") {
    console.error(`SKIPPED   ${t.name}: WEFT_RETAIL_FILE does not say where online_retail.csv.gz is`);
    return t.skip("WEFT_RETAIL_FILE is not set");
  }
  const services = await servicesOrSkip(t);
  if (services === null) return;
  // The shipped sizes: 64 shards in 8 slots.
  const deployment = new Deployment(services, { yaml: readFileSync(EXAMPLE, "utf8"), engine: "{}" });
  await deployment.open();
  const crew = new Crew(deployment);
  let reader: LiveReader | null = null;
  const mark = (what: string) => t.diagnostic(`${Math.round(performance.now() / 1000)} s: ${what}`);
  try {
    const out = join(deployment.folder, "fold");
    const folded = JSON.parse(await deployment.mustRun(["fold", "--json", "--quiet", "--out", out, FILE])) as {
      readonly digest: string;
    };
    mark(`folded: ${folded.digest}`);
    await deployment.mustRun(["topics", "create"]);
    reader = await LiveReader.open(deployment);
    await crew.start(["resolve", "stitch"]);
    mark("running");

    const heard = reader;
    const importing = deployment.mustRun(["import", "--json", "--quiet", FILE]);
    const [resolved, stitched] = await Promise.all([
      crew.killAt("resolve", 0.4, async () => (await deployment.readResolved()).passed / INVOICES),
      crew.killAt("stitch", 0.5, async () => heard.profiles.size / CUSTOMERS),
    ]);
    mark(`resolve killed at ${Math.round(resolved * 100)} %, stitch at ${Math.round(stitched * 100)} %`);
    assert.deepEqual(JSON.parse(await importing), { published: INVOICES, refused: 0 });
    await deployment.settle();
    await sleep(1_000);
    mark("settled");

    const { digest, people } = await deployment.readStore();
    assert.equal(await deployment.countDeadLetters(), 0, "nothing is dead-lettered");
    assert.equal(people.profiles.length, CUSTOMERS);
    const orders = people.profiles.reduce((sum, { view }) => sum + view.orders.length, 0);
    assert.equal(orders + people.unattributedOrders, INVOICES, "every invoice is somebody's, or nobody's (P4)");
    assert.equal(digest, folded.digest, "the same people as the fold of the file");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);
    mark(`${people.profiles.length} profiles, ${orders} orders on them, ${people.unattributedOrders} of nobody`);
    mark(`${reader.transitions.length} transitions, ${reader.count} outputs in all, digest ${digest}`);

    const before = reader.count;
    await deployment.mustRun(["import", "--quiet", FILE]);
    await deployment.settle();
    await sleep(2_000);
    assert.equal(reader.count - before, 0, "a second import says nothing");
    assert.equal((await deployment.readStore()).digest, folded.digest, "and changes nothing");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(await crew.stop(), [ENDED_WELL, ENDED_WELL]);
    mark("a second import said and changed nothing");
  } catch (error) {
    console.error(crew.describe());
    throw error;
  } finally {
    await crew.kill();
    await reader?.close();
    await deployment.close();
  }
});
