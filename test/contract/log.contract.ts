// What every log promises (O1 and O2 rest on it: records and positions move together, and a stale owner moves nothing).
// Written against the port alone. Nothing here waits for time to pass; each wait is for something to happen.

import { test } from "node:test";
import { testMembers } from "./log-members.contract.ts";
import { testRecords } from "./log-records.contract.ts";
import type { LogTest, OpenLog } from "./log-shorthand.ts";
import { testSlots } from "./log-slots.contract.ts";

export function testLog(name: string, open: OpenLog): void {
  const logTest: LogTest = (title, body) => {
    test(`${name} log: ${title}`, { timeout: 90_000 }, async (t) => {
      const log = await open(t);
      if (log === null) return;
      try {
        await body(log);
      } finally {
        await log.close();
      }
    });
  };
  testRecords(logTest);
  testSlots(logTest);
  testMembers(logTest);
}
