import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { testLog } from "./log.contract.ts";

testLog("embedded", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weft-"));
  const embedded = openEmbedded({ file: join(folder, "weft.db"), sync: "normal" });
  t.after(async () => {
    await embedded.close();
    rmSync(folder, { recursive: true });
  });
  return embedded.log;
});
