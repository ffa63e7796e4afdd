// What a test process has started and made is gone when somebody ends it.

import { deepEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

const SUPPORT = join(import.meta.dirname, "../support");
const SCRIPT = `
  const { makeFolder } = await import(${JSON.stringify(join(SUPPORT, "folder.ts"))});
  const { endOnInterruption } = await import(${JSON.stringify(join(SUPPORT, "interruption.ts"))});
  endOnInterruption(async () => console.log("stopped"));
  endOnInterruption(async () => { throw new Error("it cannot be stopped"); });
  endOnInterruption(async () => console.log("done with"))();
  console.log(makeFolder("ended"));
  setInterval(() => {}, 1000);
`;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  test(`a test process that is ended by ${signal} ends what it has started, and takes its folders with it`, async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines: string[] = [];
    const closed = Promise.withResolvers<number | null>();
    child.on("close", (code) => closed.resolve(code));
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (lines.length === 1) child.kill(signal);
    }
    const [folder = "", ...said] = lines;
    deepEqual([await closed.promise, said, existsSync(folder)], [128 + constants.signals[signal], ["stopped"], false]);
  });
