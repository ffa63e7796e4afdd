// Whoever can write claims of web and app, and only these, changes nothing of a known person and reads nothing of hers (I5).

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Configuration } from "#core/configuration.ts";
import type { Fold } from "#services/fold/fold.ts";
import {
  distrustful,
  flooded,
  HIS,
  isHers,
  mingle,
  scenario,
  type Scenario,
  scenarioByPhone,
  trusting,
} from "#support/adversary.ts";
import {
  type Attack,
  checkLeaks,
  checkLookups,
  checkMoves,
  checkSegments,
  foldTurns,
  listPassed,
  looked,
  PASSABLE,
  readStates,
  standingOf,
} from "#support/attack.ts";
import { createFlood } from "#support/floods.ts";
import { foldEach } from "#support/fold-events.ts";
import { checkMet, runs, seed } from "#support/property.ts";
import type { RecordedEvent } from "#support/oracle.ts";

const met = { scenarios: 0, naming: 0, flooding: 0, attached: 0, lookups: 0 };
const TRAITS = new Set(["city", "~name"]);

/** Of every profile with one of her known identifiers: these, her authenticated traits, consents, orders, her segment. */
async function describeVictim(fold: Fold) {
  const { profiles } = await fold.readPeople();
  return profiles
    .filter(({ identifiers }) => identifiers.some(isHers))
    .map(({ profileId, identifiers, segment, view }) => {
      const traits = Object.entries(view.traits).filter(([name]) => TRAITS.has(name));
      const standing = standingOf(view);
      return { profileId, identifiers: identifiers.filter(isHers), segment, orders: view.orders, traits, standing };
    });
}

type Victim = Awaited<ReturnType<typeof describeVictim>>;

interface Compared {
  readonly alone: Attack;
  readonly attacked: Attack;
  readonly before: Victim;
  readonly after: Victim;
  /** Values that the shop told of her: what it never told is a claim of his, and no identifier of hers. */
  readonly known: ReadonlySet<string>;
}

async function compare(told: Configuration, drawn: Scenario): Promise<Compared> {
  const turns = mingle(drawn);
  const alone = await foldTurns(
    turns.filter((turn) => turn.isHers),
    told,
  );
  const attacked = await foldTurns(turns, told);
  const before = await describeVictim(alone.fold);
  const known = new Set(before.flatMap(({ identifiers }) => identifiers.map(({ value }) => value)));
  const after = (await describeVictim(attacked.fold))
    .map((profile) => ({ ...profile, identifiers: profile.identifiers.filter(({ value }) => known.has(value)) }))
    .filter(({ identifiers }) => identifiers.length > 0);
  return { alone, attacked, before, after, known };
}

async function checkOthers({ attacked, after, known }: Compared): Promise<void> {
  for (const { profileId, identifiers, view } of (await attacked.fold.readPeople()).profiles) {
    if (after.some((one) => one.profileId === profileId)) {
      met.attached += identifiers.some((one) => !isHers(one)) ? 1 : 0;
      continue;
    }
    const hers = identifiers.filter(({ value }) => known.has(value));
    deepEqual(hers, [], "no other profile has an identifier of hers");
    deepEqual(view.orders, [], "nor an order");
    deepEqual(view.consents, [], "nor a consent");
  }
  met.lookups += await checkLookups(attacked, HIS, known);
}

async function holdsAgainst(told: Configuration, drawn: Scenario): Promise<Attack> {
  const compared = await compare(told, drawn);
  const { alone, attacked, before, after, known } = compared;
  deepEqual(after, before);
  checkMoves(alone, attacked);
  deepEqual(readStates(attacked, known, TRAITS), readStates(alone, known, TRAITS));
  checkLeaks(attacked);
  await checkOthers(compared);
  return attacked;
}

describe("an adversary who writes all claims of web and app", () => {
  it("changes no known identifier, authenticated trait, consent, counted order or segment of a victim, and reads nothing (I5)", async (t) => {
    const passed = new Map<string, number>(PASSABLE.map((limit) => [limit, 0]));
    await fc.assert(
      fc.asyncProperty(scenario, async (drawn) => {
        met.scenarios += 1;
        met.naming += drawn.namesVictim ? 1 : 0;
        met.flooding += drawn.floods.length > 0 ? 1 : 0;
        const attacked = await holdsAgainst(distrustful, drawn);
        for (const limit of listPassed(attacked, drawn.floods)) passed.set(limit, (passed.get(limit) ?? 0) + 1);
      }),
      { ...runs(5_000), examples: flooded.map((drawn) => [drawn]) },
    );
    const list = (counts: ReadonlyMap<string, number>) => [...counts].map((count) => count.join(" ")).join(", ");
    t.diagnostic(
      `seed ${seed}: ${met.scenarios} scenarios, ${met.naming} name the victim's own identifiers, ${met.flooding} of these flood; ` +
        `${met.attached} profiles of hers show a claim of his, ${met.lookups} look-ups by what is his found something`,
    );
    t.diagnostic(`scenarios that passed a limit: ${list(passed)}`);
    t.diagnostic(`outputs about others that were searched for her: ${list(looked)}`);
    checkMet(met.naming > met.scenarios / 4 && met.flooding > met.naming / 2);
    checkMet(met.attached > 0 && met.lookups > 0);
    for (const [limit, count] of passed) checkMet(count > 0, `no scenario passed ${limit}`);
    for (const kind of ["profile-changed", "profile-state", "transition", "identity-changed", "signal", "alias"])
      checkMet((looked.get(kind) ?? 0) > 0, `no ${kind} was searched`);
  });

  it("would change her, were these sources trusted: the property can fail", async () => {
    await rejects(
      fc.assert(
        fc.asyncProperty(scenario, async (drawn) => {
          await holdsAgainst(trusting, drawn);
        }),
        { ...runs(1_000), endOnFailure: true },
      ),
    );
  });

  it("changes of a victim known by her phone alone the profile id, and nothing else (I5, I6)", async (t) => {
    let renamed = 0;
    await fc.assert(
      fc.asyncProperty(scenarioByPhone, async (drawn) => {
        const compared = await compare(distrustful, drawn);
        const { alone, attacked, before, after } = compared;
        const withoutId = (victim: Victim) => victim.map((profile) => ({ ...profile, profileId: null }));
        deepEqual(withoutId(after), withoutId(before));
        equal(before.length, 1);
        checkSegments(alone, attacked);
        renamed += after[0]?.profileId === before[0]?.profileId ? 0 : 1;
        await checkOthers(compared);
      }),
      runs(1_000),
    );
    t.diagnostic(`${renamed} have another id than without him`);
    checkMet(
      renamed > 0,
      "should this fail, no claim names a known person any more: SPEC.md section 8, I5, may say so",
    );
  });

  it("makes no anchor of hers forget what she did: a copy of it is one after any flood (I5, P1)", async () => {
    const [email, at] = [{ namespace: "email", value: "victim@example.fr" }, Date.UTC(2026, 0, 5)];
    const bought = { eventId: "v0", type: "store-visited", occurredAt: at, identifiers: [email] };
    const hers = { source: "crm", recordedAt: at, event: bought };
    // Recorded earlier, so that the resolver lets it pass.
    const copy = { ...hers, recordedAt: at - 60_000 };
    const flood = createFlood("window", [email], at + 60_000);
    const fold = await foldEach([hers, ...flood, copy], distrustful);
    equal(fold.outcomes.at(-1)?.outcome, "duplicate");
    const [profile] = (await fold.readPeople()).profiles;
    equal(profile?.view.counters["store-visited"], 1);
    // His own he may repeat as he likes.
    const [first] = flood;
    const again = first === undefined ? [] : [{ ...first, recordedAt: at }];
    equal((await foldEach([hers, ...flood, ...again], distrustful)).outcomes.at(-1)?.outcome, "folded");
  });

  it("names who is known by her phone alone after his older cookie, and takes the name away again (I5, I6)", async () => {
    const tell = (source: string, minute: number, names: Readonly<Record<string, string>>): RecordedEvent => {
      const recordedAt = Date.UTC(2026, 0, 5) + minute * 60_000;
      const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
      const event = { eventId: `${source}-${minute}`, type: "identified", occurredAt: recordedAt, identifiers };
      return { source, recordedAt, event };
    };
    const phone = "0612345671";
    const log = [
      tell("web", 0, { cookie: "ck-a" }),
      tell("store", 1, { phone }),
      tell("crm", 2, { customer: "c-666" }),
    ];
    const claimed = [...log, tell("web", 3, { cookie: "ck-a", phone })];
    const taken = [...claimed, tell("web", 4, { cookie: "ck-a", customer: "c-666" })];
    const idOf = async (events: readonly RecordedEvent[], wanted: string) => {
      const { profiles } = await (await foldEach(events, distrustful)).readPeople();
      return profiles.find(({ identifiers }) => identifiers.some(({ namespace }) => namespace === wanted))?.profileId;
    };
    equal(await idOf(claimed, "phone"), await idOf(log, "cookie"));
    equal(await idOf(taken, "phone"), await idOf(log, "phone"));
    equal(await idOf(taken, "cookie"), await idOf(log, "cookie"));
    // Whatever else the shop knows her by names her, before him and after.
    const known = tell("store", 5, { phone, card: "2099-1" });
    equal(await idOf([...claimed, known], "phone"), await idOf([...log, known], "phone"));
  });
});
