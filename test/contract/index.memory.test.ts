import { openMemoryIndex } from "#adapters/memory/index.ts";
import { testIndex } from "./index.contract.ts";

testIndex("memory", async () => {
  const index = openMemoryIndex();
  return { first: index, second: index };
});
