// The HTTP server: limits before anything is read, who is asking before anything is looked up, one shape of answer when
// something is wrong, and a log line for each request that names no value of it.

import { randomUUID } from "node:crypto";
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { Metrics } from "#services/admin/metrics.ts";
import type { readTls } from "#services/config/listening.ts";
import { answerClientError, createTeller, greet, logFault, sendProblem, toProblem } from "./answering.ts";
import type { AuditTrail } from "./audit.ts";
import type { Authenticator } from "./authenticator.ts";
import { drainOnClose } from "./closing.ts";
import { CHANGES, CONTRACT, type RouteContract, ROUTE_NAMES } from "./contract.ts";
import { describeRoute, registerDocs } from "./docs.ts";
import { Exports, type ExportTimes } from "./exports.ts";
import type { Handlers } from "./handler.ts";
import { BODY_BYTES_MAX, parseBody } from "./json-body.ts";
import { ApiProblem, PROBLEM_CODES, type ProblemCode, refuse } from "./problem.ts";
import { maySee } from "./profile-answer.ts";
import { RateLimit } from "./rate-limit.ts";
import { type About, Recorder } from "./recorder.ts";
import { createExplanationRoutes } from "./routes/explanation.ts";
import { createExportRoutes } from "./routes/exports.ts";
import { createHealthRoutes } from "./routes/health.ts";
import { createPassageRoutes } from "./routes/passages.ts";
import { createProfileRoutes } from "./routes/profiles.ts";
import { createRetentionRoutes } from "./routes/retention.ts";
import { createRulingRoutes } from "./routes/rulings.ts";
import { createRulesRoutes } from "./routes/rules.ts";
import { createSearchRoutes } from "./routes/search.ts";
import { createStatementRoutes } from "./routes/statements.ts";
import type { Caller, Scope } from "./role.ts";
import type { ApiServices } from "./services.ts";
import { registerChanges } from "./stream.ts";

const HEADER_BYTES_MAX = 16 * 1024;
const CONNECTIONS_MAX = 1000;
const CHECK_INTERVAL_MS = 500;

export interface ServerOptions {
  readonly services: ApiServices;
  /** Aborted once the server is to be closed: the services wait no longer. */
  readonly closing: AbortController;
  readonly authenticator: Authenticator;
  readonly audit: AuditTrail;
  readonly logger: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly tls: ReturnType<typeof readTls>;
  readonly requestsPerMinute: number;
  /** Requests without a valid credential, by address. */
  readonly failuresPerMinute: number;
  /** For headers and body to have come. */
  readonly requestTimeoutMs: number;
  readonly exportTimes?: ExportTimes;
}

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyReply {
    problem: ProblemCode | null;
  }
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { services, authenticator, logger, metrics, tls, requestTimeoutMs, closing } = options;
  for (const code of PROBLEM_CODES) metrics.count("weft_http_problems_total", { code }, 0);
  const http = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    requireHostHeader: false,
  };
  const tell = createTeller(logger, metrics);
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    ...(tls === null ? { http } : { https: { ...http, ...tls } }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    exposeHeadRoutes: false,
    // A caller's own id would bring what it likes into the log.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, metrics),
    // No hook has seen such a request.
    frameworkErrors: (_error, request, reply) => {
      greet(request, reply);
      reply.raw.once("finish", () => tell(request, reply));
      void sendProblem(reply, request, refuse("url", "no URL that can be read"));
    },
  }) as unknown as FastifyInstance;
  // Node would refuse them in a shape of its own.
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
  app.server.maxConnections = CONNECTIONS_MAX;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest("caller", null);
  app.decorateReply("problem", null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, parseBody(String(body)));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook("onRequest", async (request, reply) => {
    greet(request, reply);
    requireHost(request);
    requireRoute(request);
  });
  drainOnClose(app, closing);
  app.addHook("onResponse", async (request, reply) => tell(request, reply));
  // The page's files are looked for by others.
  app.setNotFoundHandler(() => {
    throw new ApiProblem("no-such-route");
  });
  const recorder = new Recorder(options.audit);
  app.setErrorHandler(async (error, request, reply) => {
    let problem = toProblem(error);
    if (problem.code === "internal-error") logFault(logger, request, error);
    try {
      await recorder.refuse(request, problem.code);
    } catch (untold) {
      problem = toProblem(untold);
    }
    return sendProblem(reply, request, problem);
  });
  await registerDocs(app);
  const admit = createAdmission(options);
  const exports = new Exports(logger, options.exportTimes);
  app.addHook("onClose", async () => {
    await exports.close();
    await services.directory.close();
    await services.passages.close();
    await options.audit.close();
  });
  const handlers: Handlers = {
    ...createProfileRoutes(services),
    ...createSearchRoutes(services),
    ...createPassageRoutes(services),
    ...createExplanationRoutes(services),
    ...createRulingRoutes(services),
    ...createStatementRoutes(services),
    ...createExportRoutes(services, exports),
    ...createRetentionRoutes(services),
    ...createRulesRoutes(services),
    ...createHealthRoutes(services),
  };
  for (const name of ROUTE_NAMES) {
    const contract: RouteContract = CONTRACT[name];
    const handle = handlers[name] as (request: unknown) => Promise<unknown>;
    app.route({
      method: contract.method,
      url: contract.url,
      schema: describeRoute(name, contract),
      config: { isCommand: contract.isCommand === true },
      onRequest: (request) => admit(request, contract.scope, contract.isLookUp),
      handler: async (request, reply) => {
        const { body, query, params, caller } = request;
        const run = (record: (about: About) => Promise<void>) => handle({ body, query, params, caller, record });
        const beside: (string | null)[] = [];
        const answer = contract.isCommand
          ? await recorder.run(request, run)
          : await run(async (about) => void beside.push(...about));
        if (contract.isLookUp && caller !== null && maySee(caller))
          await recorder.show(request, [...listProfileIds(answer), ...beside]);
        return reply.code(contract.status).send(answer);
      },
    });
  }
  registerChanges(app, services, authenticator, (request, scope) => admit(request, scope, false), recorder);
  return app;
}

function requireHost({ raw, headers }: FastifyRequest): void {
  if (raw.httpVersion === "1.1" && headers.host === undefined) throw refuse("headers.host", "there is none");
}

const PATHS = [...ROUTE_NAMES.map((name) => CONTRACT[name]), CHANGES].map(({ method, url }) => ({
  method,
  url,
  pattern: new RegExp(`^${url.replaceAll(/:\w+/g, "[^/]+")}$`),
}));

/** A path that stands for itself is no value of a parameter, whatever the method. Throws ApiProblem. */
function requireRoute({ url, is404, routeOptions }: FastifyRequest): void {
  const [path = ""] = url.split("?");
  const exact = PATHS.filter((one) => one.url === path);
  if (!is404 && (exact.length === 0 || routeOptions.url === path)) return;
  const meant = exact.length > 0 ? exact : PATHS.filter(({ pattern }) => pattern.test(path));
  if (meant.length === 0) throw new ApiProblem("no-such-route");
  throw new ApiProblem("method-not-allowed", { allow: meant.map(({ method }) => method) });
}

export type Admission = (request: FastifyRequest, scope: Scope | null, isLookUp: boolean) => Promise<void>;

/** Who is asking, whether they ask too often, and whether they may. */
function createAdmission({ authenticator, requestsPerMinute, failuresPerMinute }: ServerOptions): Admission {
  const requests = new RateLimit(requestsPerMinute);
  const failures = new RateLimit(failuresPerMinute);
  const limit = (retryAfter: number | null): void => {
    if (retryAfter !== null) throw new ApiProblem("too-many-requests", { retryAfter });
  };
  return async (request, scope, isLookUp) => {
    if (scope === null) return;
    try {
      request.caller = await authenticator.authenticate(request.headers.authorization);
    } catch (error) {
      // Only who fails is stopped: behind a proxy everybody has one address.
      if (error instanceof ApiProblem && error.code === "unauthenticated") limit(failures.take(request.ip));
      throw error;
    }
    limit(requests.take(request.caller.id));
    if (!request.caller.scopes.has(scope)) throw new ApiProblem(isLookUp ? "not-found" : "forbidden");
    // A body that is packed is not unpacked, so it cannot grow.
    const encoding = request.headers["content-encoding"];
    if (request.method === "POST" && encoding !== undefined && encoding !== "identity")
      throw new ApiProblem("unsupported-media-type");
  };
}

/** Of whom an answer tells: of one, or of those in its list. */
function listProfileIds(answer: unknown): string[] {
  const { profileId, profiles = [] } = answer as {
    profileId?: string | null;
    profiles?: { profileId: string | null }[];
  };
  return [profileId, ...profiles.map((one) => one.profileId)].filter((id) => typeof id === "string");
}
