// What requests leave in the audit trail: of whose values are shown a line, and of a command two: whom it is about, before
// anything is done, and what came of it. Without its line nothing is shown and nothing done.

import type { FastifyRequest } from "fastify";
import type { AuditTrail } from "./audit.ts";
import { ApiProblem, type ProblemCode } from "./problem.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    isCommand?: boolean;
  }
}

/** null: on no profile. */
export type About = readonly (string | null)[];

export class Recorder {
  readonly #audit: AuditTrail;
  readonly #begun = new WeakMap<FastifyRequest, About>();
  /** What came of them is told. */
  readonly #settled = new WeakSet<FastifyRequest>();
  /** Whose latest command was one too many. */
  readonly #flooding = new Set<string>();

  constructor(audit: AuditTrail) {
    this.#audit = audit;
  }

  /** Before anybody sees it. Throws ApiProblem. */
  async show(request: FastifyRequest, about: About): Promise<void> {
    await this.#append(request, about, "shown");
  }

  /** A command that is let in. `work` notes whom it is about before it does anything. */
  async run<T>(request: FastifyRequest, work: (note: (about: About) => Promise<void>) => Promise<T>): Promise<T> {
    const answer = await work(async (about) => {
      await this.#append(request, about, "begun");
      this.#begun.set(request, about);
    });
    if (!this.#begun.has(request)) throw new Error("a command has left no line in the audit trail");
    this.#flooding.delete(request.caller?.id ?? "");
    await this.#settle(request, "done");
    return answer;
  }

  /**
   * Why a command was not carried out, or why nobody knows; of what is no command, or of nobody's, nothing. Throws ApiProblem,
   * to be told in its place.
   */
  async refuse(request: FastifyRequest, code: ProblemCode): Promise<void> {
    const { caller, routeOptions } = request;
    if (caller === null || routeOptions.config.isCommand !== true) return;
    if (code === "audit-unavailable" || this.#settled.has(request)) return;
    // Or whoever has a key could fill the disk: of those over the limit the first, until one is let in again.
    if (code !== "too-many-requests") this.#flooding.delete(caller.id);
    else if (this.#flooding.has(caller.id)) return;
    else this.#flooding.add(caller.id);
    await this.#settle(request, code);
  }

  async #settle(request: FastifyRequest, outcome: "done" | ProblemCode): Promise<void> {
    this.#settled.add(request);
    const about = this.#begun.get(request);
    try {
      await this.#append(request, about ?? [], outcome);
    } catch (error) {
      throw about === undefined ? error : new ApiProblem("outcome-unknown", {}, { cause: error });
    }
  }

  async #append(request: FastifyRequest, about: About, outcome: "shown" | "begun" | "done" | ProblemCode) {
    try {
      await this.#audit.append({
        at: new Date().toISOString(),
        requestId: request.id,
        caller: request.caller?.id ?? "",
        route: `${request.method} ${request.routeOptions.url ?? ""}`,
        profileIds: [...new Set(about)].filter((id) => id !== null),
        outcome,
      });
    } catch (error) {
      throw new ApiProblem("audit-unavailable", {}, { cause: error });
    }
  }
}
