// What agents note and ask for, and what is done at a person's request: judged first, then one record of the log.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { listDeadlines } from "#services/config/deadline.ts";
import { topicNames } from "#services/config/topics.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import { identifierKey, normaliseIdentifier } from "#core/identifier.ts";
import { draftErasure, type ErasureDraft, isErased, publishErasure } from "#services/wire/erasure.ts";
import { lookUpOrder } from "#services/wire/lookup.ts";
import { describeRefusal, type RequestRefusal } from "#services/wire/request-refused.ts";
import { operatorTopic } from "#services/wire/ruling.ts";
import { judgeStatement, publishStatement, restrict, type Statement } from "#services/wire/statement.ts";
import { findErasure, isOutage, nameEvent, sendCommand } from "../command.ts";
import type { Answer, Handlers, Request } from "../handler.ts";
import type { CONTRACT } from "../contract.ts";
import { formatErasurePosition, formatStatementPosition } from "../position.ts";
import { ApiProblem } from "../problem.ts";
import { type ApiServices, read, requireNamespace } from "../services.ts";
import { identify } from "./explanation.ts";

const PAUSE_MS = 50;

type EraseRequest = Request<(typeof CONTRACT)["erase"]>;

interface Written extends Pick<Extract<ErasureDraft, { ok: true }>, "keys"> {
  readonly profileId: string | null;
  readonly atMs: number;
}

type Correction = Request<(typeof CONTRACT)["correct"]>["body"]["correction"];

export function createStatementRoutes(services: ApiServices): Pick<Handlers, "note" | "correct" | "erase"> {
  const { loaded, country, waitMs, closing } = services;

  async function state(
    id: string,
    { caller, record }: Pick<Request<unknown>, "caller" | "record">,
    statement: Pick<Statement, "identifier" | "text" | "said">,
    orderId: string | null = null,
  ): Promise<Answer<(typeof CONTRACT)["note"]>> {
    requireNamespace(services, statement.identifier.namespace, "body.identifier.namespace");
    const judged = await read(services, undefined, () =>
      judgeStatement(services, statement.identifier, statement.said, country),
    );
    if (!judged.ok) throw refuseRequest(judged.reason);
    const told = identify(services, judged.located);
    if (orderId !== null) await requireOrder(orderId, told.profileId);
    const text = orderId === null ? statement.text : `order ${orderId}: ${statement.text}`;
    await record([told.profileId]);
    const at = Date.now();
    const topic = operatorTopic(loaded);
    const eventId = nameEvent(services.engine.registry.hash, id, { ...statement, text });
    await sendCommand(services, { id, topic, schema: "ChannelEvent" }, () =>
      publishStatement(services, topic, { id: eventId, author: caller.author, at, ...statement, text }),
    );
    return { id, position: formatStatementPosition(eventId, judged.located.entry.key, at), profiles: [told] };
  }

  async function requireOrder(orderId: string, profileId: string | null): Promise<void> {
    const owners = await read(services, undefined, () => lookUpOrder(services, orderId));
    if (!owners.some(({ profile }) => profile.profileId === profileId)) throw refuseRequest("unknown-order");
  }

  /** A command that is sent again under its id counts once; her record must not become another one's. */
  async function findWritten({ body: { id, identifier }, record }: EraseRequest): Promise<Written | null> {
    const keys = id === undefined ? null : await findErasure(services, id);
    if (keys === null) return null;
    requireNamed(keys, identifier);
    await record([]);
    return { profileId: null, atMs: keys.at, keys };
  }

  function requireNamed(keys: ErasureRequest, identifier: EraseRequest["body"]["identifier"]): void {
    const { registry } = services.engine;
    const namespace = registry.namespaces.get(identifier.namespace);
    const value = namespace === undefined ? null : normaliseIdentifier(namespace, identifier.value, country);
    const key = value === null ? null : identifierKey(registry, identifier.namespace, value);
    if (![...keys.own, ...keys.claimed, ...keys.shared].some((one) => one === key)) throw refuseRequest("id-taken");
  }

  async function write(id: string, { body, caller, record }: EraseRequest): Promise<Written> {
    const { namespace, value } = body.identifier;
    const draft = await read(services, undefined, () => draftErasure(services, namespace, value, country));
    if (!draft.ok) throw refuseRequest(draft.reason);
    await record([draft.profileId]);
    const topic = topicNames(loaded).privacy;
    const request = { requestId: id, author: caller.author, reason: body.reason, ...draft.keys };
    await sendCommand(services, { id, topic, schema: "PrivacyRequest" }, () =>
      publishErasure(services, topic, request),
    );
    // A log that has gone away since leaves it to be asked for at its position.
    await services.privacy.catchUp().catch((error: unknown) => {
      if (!isOutage(error)) throw error;
    });
    // Of two that are sent under one id at once the first on the log counts.
    const first = services.privacy.find(id);
    if (first !== null) requireNamed(first, body.identifier);
    return { profileId: draft.profileId, atMs: Date.now(), keys: first ?? draft.keys };
  }

  /** Not that anybody can tell, while the store is away: the request is on the log all the same. */
  async function hasTakenEffect(id: string): Promise<boolean> {
    try {
      return await read(services, undefined, () =>
        isErased({ ...services, index: services.index.anew() }, services.privacy, id),
      );
    } catch (error) {
      if (error instanceof ApiProblem) return false;
      throw error;
    }
  }

  return {
    note({ body: { id = randomUUID(), identifier, type, orderId = null, text }, ...asked }) {
      return state(id, asked, { identifier, text, said: { type } }, orderId);
    },
    correct({ body: { id = randomUUID(), identifier, correction, reason }, ...asked }) {
      return state(id, asked, { identifier, text: reason, said: writeCorrection(id, correction) });
    },
    async erase(request) {
      requireNamespace(services, request.body.identifier.namespace, "body.identifier.namespace");
      const id = request.body.id ?? randomUUID();
      const { profileId, atMs, keys } = (await findWritten(request)) ?? (await write(id, request));
      const deadline = performance.now() + waitMs;
      let isEffective = await hasTakenEffect(id);
      while (!isEffective && !closing.aborted && performance.now() + PAUSE_MS < deadline) {
        await sleep(PAUSE_MS);
        isEffective = await hasTakenEffect(id);
      }
      const { own, claimed, shared, orders } = keys;
      return {
        id,
        position: formatErasurePosition(id),
        profileId,
        identifiers: own.length + claimed.length,
        shared: shared.length,
        orders: orders.length,
        state: isEffective ? ("effective" as const) : ("written" as const),
        deadlines: listDeadlines(loaded, atMs),
      };
    },
  };
}

function refuseRequest(reason: RequestRefusal): ApiProblem {
  return new ApiProblem("request-refused", { detail: describeRefusal(reason) });
}

function writeCorrection(id: string, correction: Correction): Statement["said"] {
  if (correction.kind === "restriction") return restrict(id, false);
  if (correction.kind === "lifting") return restrict(correction.restrictionId, true);
  if (correction.kind === "traits")
    return {
      type: "traits-changed",
      traits: Object.fromEntries(correction.traits.map(({ name, value }) => [name, value])),
    };
  const { purpose, channel = null, proof = null } = correction;
  return {
    type: "consent-changed",
    consents: [{ purpose, channel, granted: correction.kind === "consent", proof }],
  };
}
