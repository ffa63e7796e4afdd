// The oracle's households and accounts: of all living profiles at once, who is in which and what is above it.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import { byTime, groupBy, iso, isVouched } from "./oracle-facts.ts";
import { must } from "./oracle-identity.ts";

interface Person {
  readonly profileId: string;
  readonly facts: readonly AcceptedEvent[];
}

interface Said {
  readonly name: string;
  readonly by: string;
  readonly event: AcceptedEvent;
}

/** By profile id. */
export function describeGroups(people: readonly Person[]): ReadonlyMap<string, readonly unknown[]> {
  const said = people.flatMap(({ profileId, facts }) =>
    facts.filter(isVouched).flatMap((event): Said[] => {
      const { kind = "", groupId = "" } = event.event.group ?? {};
      return groupId.trim() === "" ? [] : [{ name: JSON.stringify([kind, groupId.trim()]), by: profileId, event }];
    }),
  );
  const places = groupBy(said, ({ name, by }) => [name, by]).flatMap((all) => {
    const latest = Math.max(...all.map(({ event }) => event.event.occurredAt));
    const last = all.filter(({ event }) => event.event.occurredAt === latest).map(({ event }) => event);
    if (last.some(({ event }) => event.group?.left === true)) return [];
    return [{ name: must(all[0]).name, by: must(all[0]).by, last: must(last.toSorted(byTime).at(-1)) }];
  });
  const links = linkAccounts(said);
  return new Map(
    people.map(({ profileId }) => [
      profileId,
      places
        .filter(({ by }) => by === profileId)
        .toSorted((a, b) => compareText(a.name, b.name))
        .map(({ name, last }) => {
          const [kind, groupId] = JSON.parse(name) as [string, string];
          const others = places.filter((other) => other.name === name && other.by !== profileId);
          return {
            kind,
            groupId,
            role: last.event.group?.role ?? "member",
            source: last.source,
            at: iso(last.event.occurredAt),
            members: others.map(({ by }) => by).toSorted(compareText),
            ...(kind === "account" ? climb(links, groupId) : { parents: [], cycleRefused: false }),
          };
        }),
    ]),
  );
}

interface Link {
  readonly from: string;
  readonly to: string;
  readonly at: number;
  readonly refused: boolean;
}

/** The latest that was said of each; of those that go round the last one is refused. */
function linkAccounts(said: readonly Said[]): readonly Link[] {
  const telling = said.filter(({ event }) => event.event.group?.kind === "account");
  const links = groupBy(telling, ({ name }) => name).flatMap((all): Link[] => {
    const [best] = all
      .flatMap(({ event }) => {
        const to = event.event.group?.parent;
        const from = must(event.event.group).groupId.trim();
        return typeof to === "string" ? [{ from, to: to.trim(), at: event.event.occurredAt, refused: false }] : [];
      })
      .toSorted((a, b) => b.at - a.at || compareText(b.to, a.to));
    return best === undefined || best.to === "" ? [] : [best];
  });
  return links.map((link) => {
    const round: Link[] = [link];
    for (let at = link.to; at !== link.from; ) {
      const next = links.find(({ from }) => from === at);
      if (next === undefined || round.includes(next)) return link;
      round.push(next);
      at = next.to;
    }
    const [last] = round.toSorted((a, b) => b.at - a.at || compareText(b.from, a.from));
    return { ...link, refused: last === link };
  });
}

function climb(links: readonly Link[], groupId: string) {
  const parents: string[] = [];
  for (let at = groupId; ; ) {
    const link = links.find(({ from }) => from === at);
    if (link === undefined || link.refused) return { parents, cycleRefused: link?.refused === true };
    parents.push(link.to);
    at = link.to;
  }
}
