// How any answer leaves: what each says, its line in the log, and what was wrong as a problem of the one shape, also where the
// framework or Node itself refuses.

import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { Metrics } from "#services/admin/metrics.ts";
import { PAGE } from "./docs.ts";
import { ApiProblem, refuse, writeProblem } from "./problem.ts";

/** What every answer says, whatever becomes of the request. */
export function greet(request: FastifyRequest, reply: FastifyReply): void {
  reply.header("x-request-id", request.id);
  reply.header("cache-control", "no-store");
  reply.header("x-content-type-options", "nosniff");
  if (!request.url.startsWith(PAGE)) reply.header("content-security-policy", "default-src 'none'");
}

export function createTeller(logger: FastifyBaseLogger, metrics: Metrics) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    // The pattern: what is in a URL may be anything.
    const route = request.routeOptions.url ?? null;
    metrics.count("weft_http_requests_total", { route: route ?? "none", status: String(reply.statusCode) });
    metrics.observe("weft_http_request_seconds", { route: route ?? "none" }, reply.elapsedTime / 1000);
    if (reply.problem !== null) metrics.count("weft_http_problems_total", { code: reply.problem });
    logger.info(
      {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        caller: request.caller?.id ?? null,
      },
      "request",
    );
  };
}

export function sendProblem(reply: FastifyReply, request: FastifyRequest, problem: ApiProblem): FastifyReply {
  const { status, headers, body } = writeProblem(problem, request.id);
  reply.problem = problem.code;
  return reply.code(status).headers(headers).send(body);
}

interface FrameworkError {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validationContext?: string;
  readonly validation?: readonly {
    readonly instancePath: string;
    readonly keyword: string;
    readonly message: string;
  }[];
}

export function toProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const { code, statusCode, validation, validationContext = "" } = error as FrameworkError;
  if (validation !== undefined)
    return new ApiProblem("malformed-request", {
      errors: validation.map(({ instancePath, keyword, message }) => ({
        path: `${validationContext.replace("querystring", "query")}${instancePath.replaceAll("/", ".")}`.replace(
          /\.$/,
          "",
        ),
        // The schema's own words name what was not known.
        message: keyword === "unrecognized_keys" ? "a key that is not known here: see /openapi.json" : message,
      })),
    });
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new ApiProblem("too-large");
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new ApiProblem("unsupported-media-type");
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return refuse("headers", "they do not fit what has come, or what is here");
  return new ApiProblem("internal-error", {}, { cause: error });
}

/** Where it happened, not what it said: a message may quote a value. */
export function logFault(logger: FastifyBaseLogger, request: FastifyRequest, error: unknown): void {
  const { name, stack } = error instanceof Error ? error : { name: typeof error, stack: "" };
  const code = (error as { readonly code?: unknown } | null)?.code ?? null;
  const at = (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  logger.error({ requestId: request.id, route: request.routeOptions.url ?? null, error: name, code, at }, "fault");
}

const CLIENT_PROBLEMS: Readonly<Record<string, ApiProblem>> = {
  HPE_HEADER_OVERFLOW: new ApiProblem("headers-too-large"),
  ERR_HTTP_REQUEST_TIMEOUT: new ApiProblem("request-timeout"),
};
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

/** What Node itself refuses, before there is a request. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, metrics: Metrics): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const problem = CLIENT_PROBLEMS[error.code ?? ""] ?? refuse("request", "no HTTP that can be read");
  metrics.count("weft_http_problems_total", { code: problem.code });
  const { status, headers, body } = writeProblem(problem, randomUUID());
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  if (socket.writable) socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
  else socket.destroy();
}
