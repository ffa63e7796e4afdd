// `weft privacy due` over a log and a store whose clock jumps by years: whom it lists, and the requests that it writes.

import { deepEqual, equal, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { openStage } from "#services/cli/stage.ts";

const WEFT = resolve(import.meta.dirname, "../../services/cli/weft.js");
const [COLLECTED, LATER, DUE] = [Date.UTC(2019, 0, 5), Date.UTC(2021, 0, 5), Date.UTC(2022, 1, 5)];

function run(args: readonly string[]): Promise<{ readonly code: unknown; readonly out: string; readonly err: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [WEFT, ...args], (error, out, err) =>
      done({ code: error === null ? 0 : error.code, out, err }),
    );
  });
}

const meet = (customer: string, recordedAt: number, type: string) => ({
  source: "crm",
  recordedAt,
  event: {
    eventId: `${customer}-${type}`,
    type,
    occurredAt: recordedAt,
    identifiers: [{ namespace: "customer", value: customer }],
  },
});

test("lists who is due by the log's time, writes a request for each, and nothing where it is only tried or refused (T1, G1)", async () => {
  const stage = await openStage();
  try {
    await stage.play(COLLECTED, [meet("canary", COLLECTED, "identified"), meet("kept", COLLECTED, "identified")]);
    await stage.play(LATER, [meet("kept", LATER, "called"), meet("canary", LATER, "message-opened")]);
    await stage.play(DUE, []);
    await stage.close();
    const here = ["--config", stage.configFile, "--embedded", "--json"];
    const list = async (...more: string[]) => {
      const { code, out } = await run([...here, "privacy", "due", ...more]);
      equal(code, 0);
      return out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { readonly since: string; readonly requestId: string | null });
    };
    const since = new Date(COLLECTED).toISOString();
    for (const tried of [await list(), await list("--erase", "--dry-run")])
      deepEqual(
        tried.map((one) => [one.since, one.requestId]),
        [[since, null]],
      );
    equal((await run([...here, "privacy", "due", "--erase"])).code, 2, "somebody has to answer for it");
    const [erased] = await list("--erase", "--author", "dpo");
    const { out } = await run([...here, "tail", "weft.privacy"]);
    const written = out.trim().split("\n");
    deepEqual([written.length, written[0]?.includes(erased?.requestId ?? "none")], [1, true]);
    ok(written[0]?.includes("retention: prospects, prospecting") && !out.includes("canary"));
    const asked = ["--author", "dpo", "--reason", "R1"];
    for (const [verb, whom, why, ...more] of [
      ["erase", "nobody", "unknown-identifier: nobody is known by it"],
      ["restrict", "kept", "unknown-restriction: no restriction of hers", "--lift", "R0"],
    ] as const) {
      const { code, err } = await run([...here, "privacy", verb, `customer:${whom}`, ...asked, ...more]);
      const { error } = JSON.parse(err) as { readonly error: { readonly code: string; readonly message: string } };
      deepEqual([code, error.code, error.message.startsWith(why)], [1, "request-refused", true], err);
    }
  } finally {
    stage.remove();
  }
});
