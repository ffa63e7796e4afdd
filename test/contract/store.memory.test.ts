import { openMemoryStore } from "#adapters/memory/store.ts";
import { testStore } from "./store.contract.ts";

testStore("memory", async () => openMemoryStore());
