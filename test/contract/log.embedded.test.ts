import { join } from "node:path";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { makeFolder } from "#support/folder.ts";
import { testLog } from "./log.contract.ts";

testLog("embedded", async (t) => {
  const folder = makeFolder("log");
  const embedded = openEmbedded({ file: join(folder, "weft.db"), sync: "normal" });
  t.after(() => embedded.close());
  return embedded.log;
});
