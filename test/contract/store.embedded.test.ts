import { join } from "node:path";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { makeFolder } from "#support/folder.ts";
import { testStore } from "./store.contract.ts";

testStore("embedded", async (t) => {
  const folder = makeFolder("store");
  const embedded = openEmbedded({ file: join(folder, "weft.db"), sync: "normal" });
  t.after(() => embedded.close());
  return embedded.store;
});
