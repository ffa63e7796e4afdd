// The ledger against a plain count: whatever is told twice, cut anywhere and read on from where it was is counted once,
// and a retraction takes back exactly what it cancels.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { compareText } from "#core/comparison.ts";
import type { Output, SegmentTransition } from "#core/effect.ts";
import { placeOfTransition } from "#core/transition-id.ts";
import { readOn } from "#services/report/book.ts";
import { listPassages } from "#services/report/history.ts";
import { readTopic } from "#services/report/intake.ts";
import { Ledger, type ToldTransition } from "#services/report/ledger.ts";
import { countDays, reportMatrix } from "#services/report/matrix.ts";
import { reportCohorts, reportPaths } from "#services/report/paths.ts";
import { writePage } from "#services/report/page.ts";
import { makeFolder } from "#support/folder.ts";
import { someMove } from "#support/moves.ts";
import { foldEach } from "#support/fold-events.ts";
import { bits, cut, historyOf } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { openToldTopics, topics } from "#support/told-topics.ts";

const isMove = (one: Output): one is SegmentTransition => one.kind === "transition" || one.kind === "retraction";

/** day, from, to, cause to how many, as the outputs say it. */
function countMoves(outputs: readonly SegmentTransition[]): Map<string, number> {
  const retracted = new Set(outputs.flatMap(({ retracts }) => retracts ?? []));
  const counts = new Map<string, number>();
  for (const { kind, transitionId, from, to, cause, by } of outputs) {
    if (kind === "retraction" || retracted.has(transitionId)) continue;
    const name = JSON.stringify([new Date(by.at).toISOString().slice(0, 10), from, to, cause]);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function countRows(ledger: Ledger): Map<string, number> {
  const rows = countDays(ledger, {});
  return new Map(
    rows.map(({ day, from, to, cause, count }) => [JSON.stringify([day, from, to, cause]), Number(count)]),
  );
}

/** More than any history here tells of one profile. */
const TRANSITIONS_MAX = 1_000;

function takeBack(move: SegmentTransition): SegmentTransition {
  const transitionId = `${move.profileId}.${placeOfTransition(move.transitionId) + TRANSITIONS_MAX}`;
  return { ...move, kind: "retraction", transitionId, retracts: move.transitionId };
}

function aliases(outputs: readonly Output[]): { place: number; profile: string; old: string }[] {
  return outputs.flatMap((one, place) =>
    one.kind === "identity-changed" && one.change === "alias" && one.otherProfileId !== null
      ? { place, profile: one.profileId, old: one.otherProfileId }
      : [],
  );
}

/** The ids that a profile bore, and up to which output. */
function listNames(outputs: readonly Output[], profile: string): { id: string; until: number }[] {
  const names = [{ id: profile, until: outputs.length }];
  for (const { id, until } of names)
    for (const alias of aliases(outputs))
      if (alias.profile === id && alias.place < until) names.push({ id: alias.old, until: alias.place });
  return names;
}

function describeWays(ways: Iterable<readonly string[]>): string[] {
  return [...ways]
    .flatMap((way) => (way.length === 0 ? [] : way.toSorted(compareText).join(" ")))
    .toSorted(compareText);
}

/** Transitions of one profile, under whichever id it bore at the time: of each way the ids. */
function listWays(outputs: readonly Output[]): string[] {
  const current = new Map<string, string[]>();
  const ways = new Set<string[]>();
  const wayOf = (id: string) => {
    const way = current.get(id) ?? [];
    current.set(id, way);
    ways.add(way);
    return way;
  };
  for (const one of outputs)
    if (one.kind === "transition") wayOf(one.profileId).push(one.transitionId);
    else if (one.kind === "identity-changed" && one.change === "alias" && one.otherProfileId !== null) {
      const former = wayOf(one.otherProfileId);
      current.delete(one.otherProfileId);
      ways.delete(former);
      wayOf(one.profileId).push(...former);
    }
  return describeWays(ways);
}

const byName = (counts: ReadonlyMap<string, number>) => Object.fromEntries(counts);

describe("the passage matrix", () => {
  it("counts each passage once, whatever is told again and wherever the reader stops, less what was retracted", async () => {
    let retracted = 0;
    await fc.assert(
      fc.asyncProperty(historyOf("orders", 10, 40), bits, async ({ events }, ends) => {
        const made = (await foldEach(events)).outputs.filter(isMove);
        // Histories seldom take moves back: more of them here, of whichever moves.
        const moves = made.flatMap((move, n) => [
          move,
          ...(ends[n % ends.length] === true && move.kind === "transition" ? [takeBack(move)] : []),
        ]);
        const told = await openToldTopics();
        const ledger = new Ledger();
        for (const batch of cut(moves, ends)) {
          await told.publish(batch);
          await readTopic(told, ledger, topics, { follow: false });
        }
        await told.publish(moves);
        await readTopic(told, ledger, topics, { follow: false });
        deepEqual(byName(countRows(ledger)), byName(countMoves(moves)));
        const pairs = reportMatrix(ledger, {}).find(({ name }) => name === "pairs")?.rows ?? [];
        const gone = new Set(moves.flatMap(({ retracts }) => retracts ?? []));
        for (const { from, to, count, medianFormerMs } of pairs) {
          const held = moves.filter((move) => move.kind === "transition" && !gone.has(move.transitionId));
          const own = held.filter((move) => move.from === from && move.to === to);
          equal(count, own.length);
          const spans = own.flatMap(({ timeInFormerMs }) => timeInFormerMs ?? []).toSorted((a, b) => a - b);
          equal(medianFormerMs, spans[Math.floor((spans.length - 1) / 2)] ?? null);
        }
        retracted += gone.size;
        ledger.close();
      }),
      runs(60),
    );
    checkMet(retracted > 0);
  });

  it("goes on where it was when the process ends in the middle of a batch", async (t) => {
    const folder = makeFolder("ledger");
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "report.sqlite");
    const told = await openToldTopics();
    const moves = Array.from({ length: 10 }, (_, n) => ({ ...MOVE, transitionId: `p.${n + 1}` }));
    await told.publish(moves);
    const broken = new Ledger(file);
    let count = 0;
    const add = ({ value }: { value: unknown }) => {
      if ((count += 1) === 7) throw new Error("the process ends here");
      broken.add(value as ToldTransition);
    };
    await rejects(readOn(told, broken, [topics.segmentTransition], add, { follow: false }), /ends here/);
    broken.close();
    const ledger = new Ledger(file);
    equal(countDays(ledger, {}).length, 0, "nothing of the batch stands");
    await readTopic(told, ledger, topics, { follow: false });
    deepEqual(
      countDays(ledger, {}).map(({ count: counted }) => counted),
      [10],
    );
    ledger.close();
  });

  it("follows a person from one of her ids to the next: one way, and one cohort", async () => {
    const told = await openToldTopics();
    const alias = (profileId: string, otherProfileId: string): Output => {
      const { by: cause } = MOVE;
      const changeId = `${profileId}.c1`;
      return {
        kind: "identity-changed",
        change: "alias",
        changeId,
        profileId,
        otherProfileId,
        identifiers: [],
        identifiersCount: 0,
        cause,
      };
    };
    const move = (profileId: string, n: number, from: string | null, to: string) => {
      return { ...MOVE, profileId, transitionId: `${profileId}.${n}`, from, to };
    };
    await told.publish([
      move("a", 1, null, "visitor"),
      move("a", 2, "visitor", "prospect"),
      alias("b", "a"),
      move("b", 1, "prospect", "one-buyer"),
      alias("c", "b"),
      move("c", 1, "one-buyer", "multi-buyer"),
    ]);
    const ledger = new Ledger();
    await readTopic(told, ledger, topics, { follow: false });
    const [paths] = reportPaths(ledger, {});
    deepEqual(
      paths?.rows.map(({ path, profiles }) => [path, profiles]),
      [["visitor > prospect > one-buyer > multi-buyer", 1]],
    );
    const [cohorts] = reportCohorts(ledger, {});
    deepEqual(
      cohorts?.rows.map(({ segment, profiles, reached }) => [segment, profiles, reached]),
      ["multi-buyer", "one-buyer", "prospect", "visitor"].map((segment) => [segment, 1, 1]),
    );
    ledger.close();
  });

  it("lists what a profile went through, page by page, under each id that it bore, with what was taken back", async () => {
    const met = { ids: 0, livesAgain: 0, retracted: 0 };
    await fc.assert(
      fc.asyncProperty(historyOf("crowd", 10, 40), fc.integer({ min: 1, max: 5 }), async ({ events }, max) => {
        const { outputs } = await foldEach(events);
        const told = await openToldTopics();
        await told.publish(outputs);
        const ledger = new Ledger();
        await readTopic(told, ledger, topics, { follow: false });
        const moves = outputs.filter(isMove);
        const takenBack = new Set(moves.flatMap(({ retracts }) => retracts ?? []));
        for (const profile of new Set(moves.map(({ profileId }) => profileId))) {
          const names = listNames(outputs, profile);
          const wanted = names
            .flatMap(({ id, until }) =>
              outputs
                .slice(0, until)
                .filter((one) => one.kind === "transition" && one.profileId === id)
                .toReversed(),
            )
            .filter((one, n, all) => all.indexOf(one) === n)
            .filter(isMove);
          const listed = [];
          for (let before = "", more = true; more; ) {
            const page = listPassages(ledger, profile, before, max);
            ok(page.passages.length <= max);
            listed.push(...page.passages);
            before = page.passages.at(-1)?.transitionId ?? "";
            more = page.hasMore;
          }
          deepEqual(
            listed.map(({ transitionId, from, to, decisive, atMs, retractedBy }) => {
              return { transitionId, from, to, decisive, at: atMs, isTakenBack: retractedBy !== null };
            }),
            wanted.map(({ transitionId, from, to, decisive, by }) => {
              const isTakenBack = takenBack.has(transitionId);
              return { transitionId, from, to, decisive: decisive.toSorted(), at: by.at, isTakenBack };
            }),
          );
          if (names.length > 1) met.ids += 1;
          if (names.some(({ id, until }) => outputs.slice(until).some((one) => isMove(one) && one.profileId === id)))
            met.livesAgain += 1;
          if (wanted.some(({ transitionId }) => takenBack.has(transitionId))) met.retracted += 1;
        }
        ledger.close();
      }),
      runs(60),
    );
    checkMet(met.ids > 0 && met.livesAgain > 0 && met.retracted > 0);
  });

  it("counts as one way what one profile went through, also where an id of it lives on as somebody else's", async () => {
    let livesAgain = 0;
    await fc.assert(
      fc.asyncProperty(historyOf("crowd", 10, 40), async ({ events }) => {
        const { outputs } = await foldEach(events);
        const told = await openToldTopics();
        await told.publish(outputs);
        const ledger = new Ledger();
        await readTopic(told, ledger, topics, { follow: false });
        const ways = new Map<string, string[]>();
        for (const { id, journey } of ledger.rows("SELECT id, journey FROM told ORDER BY id"))
          ways.set(String(journey), [...(ways.get(String(journey)) ?? []), String(id)]);
        deepEqual(describeWays(ways.values()), listWays(outputs));
        const began = outputs.filter((one) => one.kind === "identity-changed" && one.change === "split");
        livesAgain += began.filter((one) => aliases(outputs).some(({ old }) => old === one.profileId)).length;
        ledger.close();
      }),
      runs(60),
    );
    checkMet(livesAgain > 0);
  });

  it("as a page needs nothing else, and what events name is text in it", () => {
    const ledger = new Ledger();
    const channel = "</script><img src=x onerror=alert(1)>";
    const credit = [{ channel, touches: 1, first: 1, last: 1, linear: 1, position: 1, timeDecay: 1 }];
    ledger.transact(() => ledger.add({ ...MOVE, ...MOVE.by, credit }));
    const page = writePage("Weft", reportMatrix(ledger, {}));
    match(page, /heatmap/);
    ok(!page.includes("<img src=x"), "no markup of others");
    equal(page.split("</script>").length, 3, "and no end of our scripts");
    const ours = page.slice(0, page.indexOf("<script>")) + page.slice(page.indexOf("</script>"));
    ok(!/(src|href|url)\s*[=(]/.test(ours.replaceAll("&#60;img src=x", "")), "nothing is fetched");
    ledger.close();
  });
});

const MOVE = someMove({ from: "visitor", to: "prospect" });
