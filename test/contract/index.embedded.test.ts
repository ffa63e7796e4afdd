import { join } from "node:path";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { makeFolder } from "#support/folder.ts";
import { testIndex } from "./index.contract.ts";

testIndex("embedded", async (t) => {
  const folder = makeFolder("index");
  const embedded = openEmbedded({ file: join(folder, "weft.db"), sync: "normal" });
  t.after(() => embedded.close());
  return { first: embedded.index, second: embedded.index };
});
