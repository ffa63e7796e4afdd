// Look-ups by identifier and by profile id, the views of teams, and the timeline.

import { lookUp, lookUpAll, lookUpId, type FoundProfile } from "#services/wire/lookup.ts";
import type { Handlers } from "../handler.ts";
import { ApiProblem } from "../problem.ts";
import { answerProfile } from "../profile-answer.ts";
import { type ApiServices, read, requireNamespace } from "../services.ts";
import { answerTimeline } from "../timeline.ts";
import { viewForAgent, viewForMarketing, viewForProduct, viewForService } from "../view.ts";

const PHONE = "phone";

type ProfileRoutes = Pick<
  Handlers,
  "lookUp" | "readProfile" | "viewCaller" | "viewForMarketing" | "viewForService" | "viewForProduct" | "readTimeline"
>;

interface ByIdentifier {
  readonly body: { readonly namespace: string; readonly value: string };
  readonly query: { readonly "at-least"?: string | undefined };
}

interface ById {
  readonly params: { readonly id: string };
  readonly query: { readonly "at-least"?: string | undefined };
}

export function createProfileRoutes(services: ApiServices): ProfileRoutes {
  const { country } = services;

  async function find({ body, query }: ByIdentifier): Promise<FoundProfile> {
    const { namespace, value } = body;
    requireNamespace(services, namespace, "body.namespace");
    const found = await read(services, query["at-least"], () => lookUp(services, namespace, value, country));
    if (!found.found) throw new ApiProblem("not-found");
    return found;
  }

  async function findById({ params, query }: ById): Promise<FoundProfile> {
    const found = await read(services, query["at-least"], () => lookUpId(services, params.id));
    if (!found.found) throw new ApiProblem("not-found");
    return found;
  }

  return {
    lookUp: async (request) => answerProfile(await find(request), request.caller),
    readProfile: async (request) => answerProfile(await findById(request), request.caller, request.params.id),
    async viewCaller({ body, query, caller }) {
      const found = await read(services, query["at-least"], () => lookUpAll(services, PHONE, body.phone, country));
      if (found.length === 0) throw new ApiProblem("not-found");
      return { profiles: found.map((one) => viewForAgent(one, caller)) };
    },
    viewForMarketing: async (request) => viewForMarketing(await find(request), request.caller),
    viewForService: async (request) => viewForService(await find(request), request.caller),
    viewForProduct: async (request) => viewForProduct(await find(request), request.caller),
    readTimeline: async (request) => answerTimeline(await findById(request), request.query),
  };
}
