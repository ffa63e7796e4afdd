// The live stream on the wire: headers, a heartbeat by which dead readers and withdrawn credentials are noticed, and no
// more kept for a slow reader than its socket holds.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Authenticator } from "./authenticator.ts";
import { CHANGES } from "./contract.ts";
import { describeChanges } from "./docs.ts";
import { ApiProblem } from "./problem.ts";
import { maySee } from "./profile-answer.ts";
import type { Recorder } from "./recorder.ts";
import type { Caller, Scope } from "./role.ts";
import { openChanges } from "./routes/changes.ts";
import type { ApiServices } from "./services.ts";

const STREAMS_MAX = 64;
const STREAMS_OF_ONE_MAX = 4;

export function registerChanges(
  app: FastifyInstance,
  services: ApiServices,
  authenticator: Authenticator,
  admit: (request: FastifyRequest, scope: Scope) => Promise<void>,
  recorder: Recorder,
): void {
  const open = new Map<AbortController, string>();
  services.closing.addEventListener("abort", () => {
    for (const controller of open.keys()) controller.abort();
  });
  app.route({
    method: CHANGES.method,
    url: CHANGES.url,
    schema: describeChanges(),
    onRequest: (request) => admit(request, CHANGES.scope),
    handler: async (request, reply) => {
      const caller = request.caller as Caller;
      const isFull =
        open.size >= STREAMS_MAX || [...open.values()].filter((id) => id === caller.id).length >= STREAMS_OF_ONE_MAX;
      if (isFull) throw new ApiProblem("too-many-streams");
      const controller = new AbortController();
      open.set(controller, caller.id);
      try {
        const { profileId } = request.query as { profileId?: string };
        const lastEventId = request.headers["last-event-id"];
        const texts = await openChanges(services, {
          profileId,
          lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
          isOpen: maySee(caller),
          signal: controller.signal,
          record: async (profileIds) => (maySee(caller) ? recorder.show(request, profileIds) : undefined),
        });
        await stream(request, reply, texts, controller, services.heartbeatMs, async () => {
          const now = await authenticator.authenticate(request.headers.authorization);
          return now.scopes.has(CHANGES.scope) && maySee(now) === maySee(caller);
        });
      } finally {
        open.delete(controller);
      }
    },
  });
}

async function stream(
  request: FastifyRequest,
  reply: FastifyReply,
  texts: AsyncGenerator<string>,
  controller: AbortController,
  heartbeatMs: number,
  isStillAllowed: () => Promise<boolean>,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "x-request-id": request.id,
  });
  raw.write(": open\n\n");
  const end = (): void => controller.abort();
  raw.once("close", end);
  const beat = setInterval(() => {
    // What was written at the last beat is still here: nobody reads.
    if (raw.writableNeedDrain) return end();
    raw.write(": here\n\n");
    void isStillAllowed().then((is) => (is ? undefined : end()), end);
  }, heartbeatMs);
  try {
    for await (const text of texts) {
      if (controller.signal.aborted) break;
      if (!raw.write(text)) await drained(raw, controller.signal);
    }
  } catch (error) {
    request.log.warn(
      { requestId: request.id, error: error instanceof Error ? error.name : "unknown" },
      "stream broken",
    );
  } finally {
    clearInterval(beat);
    const isStuck = raw.writableNeedDrain;
    raw.end();
    if (isStuck) raw.destroy();
  }
}

async function drained(raw: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    raw.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
