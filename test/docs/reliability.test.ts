// What the documents cite as a proof is there.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readSource, ROOT } from "#support/source.ts";

test("every test that RELIABILITY.md, SPEC.md and METRICS.md cite is there", () => {
  for (const file of ["test/RELIABILITY.md", "services/core/SPEC.md", "services/admin/METRICS.md"]) {
    const cited = [...readSource(file).matchAll(/`((?:test|services|infra)\/[\w./-]+\.(?:ts|toml))`/g)].map(
      ([, path = ""]) => path,
    );
    assert.ok(cited.length > 0, file);
    assert.deepEqual(
      cited.filter((path) => !existsSync(join(ROOT, path))),
      [],
      file,
    );
  }
});
