// Look-ups: by identifier, by profile id, and the agent's view by the caller's phone.

import { lookUp, lookUpAll, lookUpId } from "#services/wire/lookup.ts";
import type { Handlers } from "../handler.ts";
import { ApiProblem } from "../problem.ts";
import { answerProfile } from "../profile-answer.ts";
import { type ApiServices, read } from "../services.ts";

const PHONE = "phone";

export function createProfileRoutes(services: ApiServices): Pick<Handlers, "lookUp" | "readProfile" | "viewCaller"> {
  const { country } = services;
  return {
    async lookUp({ body, query, caller }) {
      const { namespace, value } = body;
      const found = await read(services, query["at-least"], () => lookUp(services, namespace, value, country));
      if (!found.found) throw new ApiProblem("not-found");
      return answerProfile(found, caller);
    },
    async readProfile({ params, query, caller }) {
      const found = await read(services, query["at-least"], () => lookUpId(services, params.id));
      if (!found.found) throw new ApiProblem("not-found");
      return answerProfile(found, caller, params.id);
    },
    async viewCaller({ body, query, caller }) {
      const found = await read(services, query["at-least"], () => lookUpAll(services, PHONE, body.phone, country));
      if (found.length === 0) throw new ApiProblem("not-found");
      return { profiles: found.map((one) => answerProfile(one, caller)) };
    },
  };
}
