// An operator takes a link back, and gives it back, from the command line (I2).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { makeFolder } from "#support/folder.ts";

const WEFT = resolve(import.meta.dirname, "../../services/cli/weft.js");
const WORK_MS = 1_000;
const ATTEMPTS_MAX = 20;

interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], input = "", endAfter: RegExp | null = null): Promise<Answer> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [WEFT, ...args], { stdio: "pipe" });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (endAfter?.test(chunk.toString())) setTimeout(() => child.kill("SIGTERM"), WORK_MS);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.on("error", fail);
    child.on("close", (code) => done({ code, out, err }));
    child.stdin.end(input);
  });
}

test("a split takes a link back, and lifting it gives the same digest as before (I2)", async () => {
  const folder = makeFolder("ruling");
  writeFileSync(join(folder, "weft.yaml"), `embedded: { file: ${join(folder, "weft.sqlite")} }\n`);
  const here = ["--config", join(folder, "weft.yaml"), "--embedded"];
  const fold = async (count: number): Promise<void> => {
    let folded = 0;
    for (let attempt = 0; folded < count && attempt < ATTEMPTS_MAX; attempt += 1) {
      const { out } = await run([...here, "up"], "", /"running"/);
      folded += Number(/"folded":(\d+)[^\n]*"stopped"/.exec(out)?.[1] ?? 0);
    }
    assert.equal(folded, count);
  };
  const digest = async () => (JSON.parse((await run([...here, "--json", "digest"])).out) as { digest: string }).digest;
  const explain = async () => {
    const { out } = await run([...here, "--json", "explain", "customer:c-1", "email:ana@example.fr"]);
    return JSON.parse(out) as { one: boolean; obstacle?: string; links?: { source: string }[] };
  };
  const produce = (eventId: string, customer = "c-1", email = "ana@example.fr") =>
    run(
      [...here, "produce"],
      JSON.stringify({
        source: "crm",
        eventId,
        type: "identified",
        occurredAt: "2026-01-05T10:00:00Z",
        identifiers: [
          { namespace: "customer", value: customer },
          { namespace: "email", value: email },
        ],
      }),
    );
  const by = ["--author", "ana", "--reason", "the address is her mother's"];
  await produce("e-1");
  await produce("e-2");
  await fold(2);
  const before = await digest();
  assert.equal((await explain()).one, true);

  const split = await run([...here, "split", "customer:c-1", "email:ana@example.fr", ...by]);
  assert.equal(split.code, 0, split.err);
  await fold(1);
  assert.deepEqual([(await explain()).one, (await explain()).obstacle], [false, "held-apart"]);
  assert.notEqual(await digest(), before);

  await run([...here, "split", "customer:c-1", "email:ana@example.fr", "--undo", ...by]);
  await fold(1);
  assert.equal(await digest(), before);

  const refused = await run([...here, "link", "customer:c-1", "customer:nobody", ...by]);
  assert.deepEqual([refused.code, refused.err.startsWith("ruling-refused: customer: unknown-identifier")], [1, true]);
  await produce("e-3", "c-2", "ben@example.fr");
  await fold(1);
  const two = await digest();
  const forbidden = await run([...here, "link", "customer:c-1", "customer:c-2", ...by]);
  assert.deepEqual(
    [forbidden.code, forbidden.err.startsWith("ruling-refused: each has a customer of its own")],
    [1, true],
  );
  assert.equal((await run([...here, "link", "customer:c-1", "customer:c-1", ...by])).code, 2);
  assert.equal(await digest(), two, "nothing was written");
  const unsigned = await run([...here, "split", "customer:c-1", "email:ana@example.fr"]);
  assert.equal(unsigned.code, 2);
});
