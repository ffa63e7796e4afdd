// All that is kept of a person, for herself: asked for, and fetched when it is ready.

import { randomUUID } from "node:crypto";
import type { TransitionCause } from "#core/effect.ts";
import type { Log, LogRecord } from "#ports/log.ts";
import { topicNames } from "#services/config/topics.ts";
import type { KeptTransition } from "#services/wire/held-transitions.ts";
import { isForgotten } from "#services/wire/erasure.ts";
import { describeInstant } from "#services/wire/instant.ts";
import { describeRefusal } from "#services/wire/request-refused.ts";
import { exportSubject, findSubject, tabulateExport } from "#services/wire/subject-export.ts";
import type { ExportAnswer } from "../answer.ts";
import { askLog } from "../command.ts";
import type { Exports, Gather } from "../exports.ts";
import type { Handlers } from "../handler.ts";
import { ApiProblem } from "../problem.ts";
import { maySee } from "../profile-answer.ts";
import { type ApiServices, read, requireNamespace } from "../services.ts";

export function createExportRoutes(
  services: ApiServices,
  exports: Exports,
): Pick<Handlers, "exportPerson" | "readExport"> {
  const { loaded, log, country, passages } = services;
  const { resolved: resolvedTopic, segmentTransition } = topicNames(loaded);
  const readWhole = [resolvedTopic, segmentTransition];

  /** Of this process's own file, which has them for longer than their topic. */
  function listKept(profileId: string): KeptTransition[] {
    return passages.listOwn(profileId).map(({ atMs, cause, retractedBy, ...passage }) => ({
      ...passage,
      profileId,
      at: atMs,
      cause: cause as TransitionCause,
      retractedBy: retractedBy as TransitionCause | null,
    }));
  }

  async function isErasedSince(profileId: string, atMs: number): Promise<boolean> {
    const anew = { ...services, index: services.index.anew() };
    return (await read(services, undefined, () => isForgotten(anew, profileId, atMs))) === true;
  }

  return {
    async exportPerson({ body: { id = randomUUID(), identifier }, caller, record }) {
      if (!maySee(caller)) throw new ApiProblem("forbidden");
      const { namespace, value } = identifier;
      requireNamespace(services, namespace, "body.identifier.namespace");
      const subject = await read(services, undefined, () => findSubject(services, namespace, value, country));
      if (!subject.ok) throw new ApiProblem("request-refused", { detail: describeRefusal(subject.reason) });
      await askLog(services.logGate, () => log.endOffsets(readWhole));
      await record([subject.located.component.profiles.get(subject.naming)?.id ?? null]);
      const gather: Gather = async (progress, signal) => {
        for (const end of (await log.endOffsets(readWhole)).values()) progress.total += end;
        const watched = { read: watchReading(log, signal, (count) => (progress.read += count)) };
        const gathering = { ...services, log: watched, resolvedTopic, listKept };
        const exported = await exportSubject(gathering, namespace, value, country);
        return exported.ok ? exported.data : null;
      };
      const { state } = exports.start(id, caller.id, gather);
      return { id, state };
    },
    async readExport({ params: { id }, query, caller }) {
      const found = exports.find(id, caller.id);
      if (found === null || !maySee(caller)) throw new ApiProblem("not-found");
      const { state, data, untilMs } = found;
      if (data !== null && (await isErasedSince(data.profileId, found.startedAtMs))) {
        exports.drop(found);
        throw new ApiProblem("not-found");
      }
      const tables = query.as === "csv" && data !== null ? [...tabulateExport(data)] : null;
      return {
        id,
        state,
        read: found.read,
        total: found.total,
        until: describeInstant(untilMs),
        failure: found.failure,
        profileId: data?.profileId ?? null,
        data: tables === null ? (data as ExportAnswer["data"]) : null,
        tables: tables?.map(([name, text]) => ({ name, text })) ?? null,
      };
    },
  };
}

/** The log's reading, which tells how far it is in each partition and ends with the signal. */
function watchReading(log: Log, signal: AbortSignal, onRead: (count: number) => void): Log["read"] {
  return async function* (topics, options): AsyncGenerator<LogRecord> {
    const next = new Map<number, number>();
    for await (const record of log.read(topics, { ...options, signal })) {
      onRead(record.offset + 1 - (next.get(record.partition) ?? 0));
      next.set(record.partition, record.offset + 1);
      yield record;
    }
    // What was gathered of a part would look like all of it.
    signal.throwIfAborted();
  };
}
