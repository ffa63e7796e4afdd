// What is told to whoever has not `profile:pii`: of nobody a value.

import assert from "node:assert/strict";
import { test } from "node:test";
import { maskChange } from "#services/api/change-mask.ts";
import { type Path, PATH_KINDS } from "#core/effect.ts";

/** A path of each kind with a value, and how they are told. */
const CHANGES: readonly (readonly [Path, string, string, string])[] = [
  ["audiences.big-spenders", "true", "audiences.big-spenders", "true"],
  ["cases.crm.Q-310", '"open"', "cases.crm.Q-310", '"open"'],
  ["consents.newsletter.email", "true", "consents.newsletter.email", "true"],
  ["contacts.email.ana.b@example.com", '"bounced"', "contacts.email.a*******", '"bounced"'],
  ["contacts.postal.1 rue X\n75001 Paris. FR", '"verified"', "contacts.postal.1*******", '"verified"'],
  ["counters.called", "2", "counters.called", "2"],
  ["groups.household.H-Lefort.Rennes", '"mother"', "groups.household.H*******", '"mother"'],
  ["identifiers.email.ana.b@example.com", '"owned"', "identifiers.email.a*******", '"owned"'],
  ["identifiersCount", "201", "identifiersCount", "201"],
  ["loyalty.club.tier", '"gold"', "loyalty.club.tier", '"gold"'],
  ["orders.spentMinor.EUR", "12900", "orders.spentMinor.EUR", "12900"],
  ["preferences.favouriteStore", '"Rennes"', "preferences.favouriteStore", '"***"'],
  ["profile.known", "true", "profile.known", "true"],
  ["restrictions.R-1", "true", "restrictions.R-1", "true"],
  ["scores.lead", "20", "scores.lead", "20"],
  ["segment", '"visitor"', "segment", '"visitor"'],
  ["subscriptions.crm.S-1", '"active"', "subscriptions.crm.S-1", '"active"'],
  ["traits.born", "1984", "traits.born", '"***"'],
];

test("of a change is shown what a look-up shows masked, whatever its path is about", () => {
  assert.deepEqual(new Set(CHANGES.map(([path]) => path.split(".")[0])), new Set(PATH_KINDS));
  for (const [path, text, shownPath, shownText] of CHANGES) {
    assert.deepEqual(maskChange({ path, before: null, after: text }), {
      path: shownPath,
      before: null,
      after: shownText,
    });
    assert.equal(maskChange({ path, before: text, after: null }).before, shownText);
  }
});

test("of a change that nobody has decided about nothing is shown", () => {
  for (const path of ["letters.ana.b@example.com", "constructor.ana", "email@example.com", ""])
    assert.deepEqual(maskChange({ path: path as Path, before: null, after: '"ana"' }), {
      path: "***",
      before: null,
      after: '"***"',
    });
});
