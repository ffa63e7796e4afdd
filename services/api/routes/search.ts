// Who is meant by what is on a receipt, a card or an envelope.

import { type FoundProfile, lookUpAll, lookUpId, lookUpOrder } from "#services/wire/lookup.ts";
import type { CONTRACT } from "../contract.ts";
import { bears, type NameAndPlace } from "../directory.ts";
import type { Handlers, Request } from "../handler.ts";
import { ApiProblem } from "../problem.ts";
import { answerProfile } from "../profile-answer.ts";
import { type ApiServices, read } from "../services.ts";

const CARD = "card";
const ANSWERS_MAX = 10;
const CANDIDATES_MAX = 2 * ANSWERS_MAX;

export function createSearchRoutes(services: ApiServices): Pick<Handlers, "search"> {
  const { country, directory } = services;

  async function findByName(asked: NameAndPlace): Promise<FoundProfile[]> {
    const found = await Promise.all(directory.find(asked, CANDIDATES_MAX).map((id) => lookUpId(services, id)));
    return found.flatMap((one) => (one.found && bears(one.profile.view, asked) ? [one] : []));
  }

  function find({ body }: Request<(typeof CONTRACT)["search"]>): Promise<FoundProfile[]> {
    if (body.by === "order") return lookUpOrder(services, body.number);
    return body.by === "card" ? lookUpAll(services, CARD, body.number, country) : findByName(body);
  }

  return {
    async search(request) {
      if (request.body.by === "name") await directory.catchUp();
      const found = await read(services, request.query["at-least"], () => find(request));
      const profiles = [...new Map(found.map((one) => [one.profile.profileId, one])).values()];
      if (profiles.length === 0) throw new ApiProblem("not-found");
      return {
        profiles: profiles.slice(0, ANSWERS_MAX).map((one) => answerProfile(one, request.caller)),
        more: profiles.length > ANSWERS_MAX,
      };
    },
  };
}
