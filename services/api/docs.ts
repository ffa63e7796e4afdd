// The OpenAPI document, made of the contract, and its page. Neither leads anywhere outside.

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import * as z from "zod";
import packageFile from "../../package.json" with { type: "json" };
import { CHANGES, listProblems, type RouteContract, SHARED_PROBLEMS } from "./contract.ts";
import { PROBLEM_TYPE, type ProblemCode, problemSchema, PROBLEMS } from "./problem.ts";
import { SCOPES } from "./role.ts";

export const PAGE = "/docs";
const DOCUMENT = "/openapi.json";
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Weft",
        version: packageFile.version,
        description: "Profiles as they are now, why they are so, and operators' rulings. Errors are RFC 9457 problems.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: `API key or token; scopes: ${SCOPES.join(", ")}` },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, {
    routePrefix: PAGE,
    staticCSP: PAGE_POLICY,
    // Its badge would ask a server of somebody else's.
    uiConfig: { url: DOCUMENT, validatorUrl: null },
  });
  app.get(DOCUMENT, { schema: { hide: true } }, async () => app.swagger());
}

/** What fastify is told of a route: how to read it, how to write its answers, what the document says of it. */
export function describeRoute(name: string, contract: RouteContract) {
  const { scope, isLookUp, summary, body, query, params, status, answer } = contract;
  return {
    operationId: name,
    summary,
    ...describeAccess(scope),
    ...(isLookUp ? { "x-weft-look-up": true } : {}),
    ...(body === undefined ? {} : { body }),
    ...(query === undefined ? {} : { querystring: query }),
    ...(params === undefined ? {} : { params }),
    response: { [status]: answer, ...describeProblems(listProblems(contract)) },
  };
}

export function describeChanges() {
  const { summary, scope, query, problems } = CHANGES;
  const codes: ProblemCode[] = [...SHARED_PROBLEMS, "forbidden", "identity-provider-unavailable", ...problems];
  return {
    operationId: "changes",
    summary,
    ...describeAccess(scope),
    querystring: query,
    response: {
      200: { description: "server-sent events", content: { "text/event-stream": { schema: z.string() } } },
      ...describeProblems(codes),
    },
  };
}

function describeAccess(scope: string | null) {
  return scope === null ? {} : { security: [{ bearer: [] }], "x-weft-scope": scope };
}

function describeProblems(codes: readonly ProblemCode[]) {
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const here = codes.filter((code) => PROBLEMS[code].status === status);
      const description = here.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("; ");
      return [status, { description, content: { [PROBLEM_TYPE]: { schema: problemSchema } } }];
    }),
  );
}
