// Finding a profile by its id: the name that an identifier's birth leaves in the index leads from the id to the identifier.

import assert from "node:assert/strict";
import { test } from "node:test";
import { profileId } from "#core/profile.ts";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { hash } from "#support/histories.ts";

test("a profile id leads to the identifier that it is made of as soon as that one is born", async () => {
  const index = new ComponentIndex(openMemoryIndex(), hash);
  const proposal = index.propose(new Set(["order-1"]));
  for (const key of ["key-1", "order-1"]) proposal.setBirth(key, "0-1-key-1");
  assert.equal(await index.findNaming(profileId(hash, "key-1")), null);
  assert.equal(await index.settle(proposal), true);
  assert.equal(await index.findNaming(profileId(hash, "key-1")), "key-1");
  assert.equal(await index.findNaming(profileId(hash, "order-1")), null, "no profile is named after an order");
});

test("a name is there where the births failed, so a repeated batch leaves nobody without one", async () => {
  const memory = openMemoryIndex();
  let calls = 0;
  const index = new ComponentIndex(
    {
      ...memory,
      async putIfAbsent(entries) {
        calls += 1;
        if (calls === 2) throw new Error("gone");
        return memory.putIfAbsent(entries);
      },
    },
    hash,
  );
  const propose = () => {
    const proposal = index.propose();
    proposal.setBirth("key-1", "0-1-key-1");
    return proposal;
  };
  await assert.rejects(index.settle(propose()), /gone/);
  assert.equal(await index.findNaming(profileId(hash, "key-1")), "key-1");
  assert.equal(await index.settle(propose()), true);
});

test("another view of the same index remembers nothing, so it sees what was put back", async () => {
  const memory = openMemoryIndex();
  const index = new ComponentIndex(memory, hash);
  const proposal = index.propose();
  proposal.setBirth("key-1", "0-1-a");
  await index.settle(proposal);
  await memory.restore([{ key: "b:key-1", value: "0-1-b" }]);
  const births: (string | null)[] = [];
  for (const view of [index, index.anew()]) {
    await view.prefetch(["key-1"]);
    births.push(view.birthOf("key-1"));
  }
  assert.deepEqual(births, ["0-1-a", "0-1-b"]);
});
