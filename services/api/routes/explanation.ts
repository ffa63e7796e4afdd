// Why an identifier's person is one person, and why two are not.

import type { Component } from "#core/component.ts";
import { explain, OBSTACLE_TEXTS, RULE_TEXTS, type ShownRefusal } from "#services/wire/explanation.ts";
import { findIdentifier, formatPosition, type Located } from "#services/wire/location.ts";
import { describeWatermarks, listWatermarks } from "#services/wire/lookup.ts";
import { findNeighbours } from "#services/wire/neighbourhood.ts";
import type { Handlers } from "../handler.ts";
import { ApiProblem } from "../problem.ts";
import { mask } from "#services/wire/mask.ts";
import { maySee } from "../profile-answer.ts";
import { type ApiServices, read, requireNamespaces } from "../services.ts";

export function createExplanationRoutes(services: ApiServices): Pick<Handlers, "explain"> {
  const { engine, country } = services;
  return {
    async explain({ body, query, caller, record }) {
      requireNamespaces(services, body.identifiers);
      const { located, beside } = await read(services, query["at-least"], async () => {
        const all: Located[] = [];
        for (const { namespace, value } of body.identifiers) {
          const found = await findIdentifier(services, namespace, value, country);
          if (!found.found) throw new ApiProblem("not-found");
          all.push(found);
        }
        return { located: all, beside: await findNeighbours(services, all) };
      });
      const [one, other = null] = located as [Located, Located?];
      const isOpen = maySee(caller);
      const shown = new Set<string>();
      const show = (value: string, key: string): string => {
        shown.add(key);
        return isOpen ? value : mask(value);
      };
      const explanation = explain(engine.registry, one, other, show, beside);
      await record(listHolders([...located.map(({ component }) => component), ...beside], shown));
      const shared = { profiles: located.map((one) => identify(services, one)), masked: !isOpen };
      if (explanation.one)
        return {
          ...shared,
          ...explanation,
          links: explanation.links.map((link) => ({ ...link, meaning: RULE_TEXTS[link.rule] })),
          refusal: explanation.refusal === null ? null : withMeaning(explanation.refusal),
        };
      return {
        ...shared,
        ...withMeaning(explanation),
        namespaces: [...explanation.namespaces],
      };
    },
  };
}

function withMeaning<T extends Pick<ShownRefusal, "obstacle" | "evidence">>(refusal: T) {
  return { ...refusal, evidence: [...refusal.evidence], meaning: OBSTACLE_TEXTS[refusal.obstacle] };
}

/** The profiles that these identifiers are on. */
function listHolders(components: readonly Component[], keys: ReadonlySet<string>): (string | null)[] {
  return components.flatMap(({ identifiers, profiles }) =>
    Array.from(keys, (key) => profiles.get(identifiers.get(key)?.profile ?? "")?.id ?? null),
  );
}

/** The profile of an identifier at its home, and as of when. */
export function identify(services: Pick<ApiServices, "engine">, { component, entry, position, time }: Located) {
  const record = entry.profile === null ? undefined : component.profiles.get(entry.profile);
  return {
    profileId: record?.id ?? null,
    version: record?.version ?? 0,
    position: formatPosition(position),
    watermarks: describeWatermarks(listWatermarks(services, time)),
  };
}
