// A consumer that stalls without an error is taken over again (O1).

import { doesNotThrow, throws } from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LogError } from "#ports/log.ts";
import { StallWatch } from "#services/wire/stall.ts";

const NOTHING = { records: [], atEnd: false };

test("nothing for too long while the log has more is a stall; at the end of the log it is rest", async () => {
  const watch = new StallWatch(20);
  watch.note(NOTHING);
  doesNotThrow(() => watch.note(NOTHING));
  await sleep(30);
  throws(() => watch.note(NOTHING), LogError);
  for (const rest of [
    { records: [], atEnd: true },
    { records: [1], atEnd: false },
  ]) {
    watch.note(rest);
    await sleep(30);
    doesNotThrow(() => watch.note(NOTHING), "the time counts from the first poll that gave nothing");
  }
});
