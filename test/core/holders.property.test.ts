// Who reads identity-changed alone knows at any time whose each identifier is, whatever happens to it (I2, O4).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Component } from "#core/component.ts";
import type { Configuration } from "#core/configuration.ts";
import type { IdentityChanged, Output } from "#core/effect.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { DirectFold, foldDirectly } from "#support/direct-fold.ts";
import { tell } from "#support/fold-events.ts";
import { configuration, hash, history, narrowConfiguration } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

const PHONE = "+33639980017";

/** By key the id of the profile that an identifier is on; null: on none. */
type Holders = Map<string, string | null>;

function readHolders(components: readonly Component[]): Holders {
  const holders: Holders = new Map();
  for (const { identifiers, profiles } of components)
    for (const { key, namespace, profile } of identifiers.values())
      if (namespace !== "mailbox") holders.set(key, profile === null ? null : (profiles.get(profile)?.id ?? null));
  return holders;
}

function believe(holders: Holders, { change, profileId, otherProfileId, identifiers }: IdentityChanged): void {
  if (change === "alias") {
    for (const [key, holder] of holders) if (holder === otherProfileId) holders.set(key, profileId);
  } else for (const { key } of identifiers) holders.set(key, change === "left" ? null : profileId);
}

function listChanges(outputs: readonly Output[]): IdentityChanged[] {
  return outputs.flatMap((one) => (one.kind === "identity-changed" ? [one] : []));
}

/** How many identifiers that had been met before were told to be elsewhere. */
function follow(events: readonly FoldEvent[], told: Configuration): number {
  const fold = new DirectFold({ configuration: told, hash });
  const holders: Holders = new Map();
  let count = 0;
  for (const event of events) {
    const before = fold.outputs.length;
    const met = new Map(holders);
    fold.add([event]);
    for (const one of listChanges(fold.outputs.slice(before))) {
      equal(one.cause.eventId, event.event.eventId, "the event that did it");
      ok(one.change === "alias" || one.identifiers.length > 0, "it is about somebody");
      equal(one.identifiersCount, one.identifiers.length);
      believe(holders, one);
    }
    for (const [key, holder] of readHolders(fold.listComponents())) {
      if (met.has(key)) equal(holders.get(key), holder, "whose it is was told");
      if (met.has(key) && met.get(key) !== holder) count += 1;
      holders.set(key, holder);
    }
  }
  return count;
}

describe("whoever keeps whose an identifier is by what identity-changed tells", () => {
  for (const [name, told] of [
    ["as shipped", configuration],
    ["with narrow limits", narrowConfiguration],
  ] as const)
    it(`is right after every event of any history, ${name} (I2, O4)`, () => {
      let count = 0;
      fc.assert(
        fc.property(history(3, 18), ({ events }) => {
          count += follow(events, told);
        }),
        runs(1_500),
      );
      checkMet(count > 0);
    });

  function changesOf(...events: FoldEvent[]): (string | number)[][] {
    const fold = foldDirectly(events);
    return listChanges(fold.outputs)
      .filter(({ cause }) => cause.eventId === events.at(-1)?.event.eventId)
      .map(({ change, identifiers }) => [change, ...identifiers.map(({ namespace }) => namespace)]);
  }

  it("hears of a visit that a log-in takes from one known person to another at the same home", () => {
    deepEqual(
      changesOf(
        tell("crm", 0, "identified", { customer: "c-1", phone: PHONE }),
        tell("crm", 1, "identified", { customer: "c-2", phone: PHONE }),
        tell("crm", 2, "identified", { customer: "c-1", email: "ana@example.fr" }),
        tell("web", 3, "page-viewed", { cookie: "k", email: "ana@example.fr" }),
        tell("web", 4, "page-viewed", { cookie: "k", customer: "c-2" }),
      ),
      [["moved", "cookie"]],
    );
  });

  it("hears of a number that becomes contested, and of it being handed back", () => {
    const told = [
      tell("crm", 0, "identified", { customer: "c-1", phone: PHONE }),
      tell("crm", 1, "identified", { customer: "c-2", phone: PHONE }),
    ];
    deepEqual(changesOf(...told), [["left", "phone"]]);
    deepEqual(changesOf(...told, tell("operator", 2, "identifiers-parted", { customer: "c-2", phone: PHONE })), [
      ["moved", "phone"],
    ]);
  });

  it("hears of nobody's split where somebody is new and only a mailbox was another's", () => {
    const events = [
      tell("app", 0, "page-viewed", { cookie: "k", customer: "c-1", email: "anab+home@gmail.com" }),
      tell("web", 1, "page-viewed", { cookie: "k", customer: "c-2" }),
      tell("web", 2, "page-viewed", { cookie: "k", email: "ana.b@gmail.com" }),
    ];
    deepEqual(changesOf(...events), []);
    const born = foldDirectly(events).outputs.flatMap((one) =>
      one.kind === "transition" && one.by.eventId === "web-2" && one.from === null ? [one.cause] : [],
    );
    deepEqual(born, ["event"]);
  });
});
