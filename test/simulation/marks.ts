// Each event carries a mark that nobody else's does, in a trait: whatever shows it has kept something of what the event said.

import type { AcceptedEvent } from "#core/acceptance.ts";
import type { Erased } from "#core/component.ts";
import { isAuthenticated } from "#core/configuration.ts";
import { type ErasureRequest, instantOf } from "#core/erasure.ts";
import type { ChannelEvent } from "#core/event.ts";
import { createRegistry } from "#core/registry.ts";
import { configuration, hash } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { forget } from "#support/oracle-erasure.ts";

export const registry = createRegistry(configuration, hash);

const MARK = /mark-[\w-]+\./g;

/** Not of what only rules about identifiers: that has no facts. */
export function markEvent({ source, recordedAt, event }: RecordedEvent): RecordedEvent {
  if (source === "operator" || (event.replaced !== undefined && event.replaced !== null))
    return { source, recordedAt, event };
  const traits = { ...event.traits, mark: `mark-${source}-${event.eventId}.` };
  return { source, recordedAt, event: { ...event, traits } };
}

export function isForgotten(accepted: AcceptedEvent, requests: readonly ErasureRequest[]): boolean {
  const {
    accepted: [named],
    lastingFacts,
  } = forget(registry, [accepted], requests);
  return named !== undefined && !lastingFacts(named);
}

export function markOf({ traits }: ChannelEvent): string | null {
  const mark = traits?.["mark"];
  return typeof mark === "string" ? mark : null;
}

export function listMarks(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString("latin1").match(MARK) ?? [];
}

/** Whether the facts of an event under its anchor are among those that were forgotten. */
export function isOf({ anchor, identifiers, recordedAt, event }: AcceptedEvent, { kind, at }: Erased): boolean {
  if (kind === "own") return true;
  if (instantOf(recordedAt, event.occurredAt) > at) return false;
  const assurance = identifiers.find(({ key }) => key === anchor)?.assurance;
  return kind === "shared" || (assurance !== undefined && !isAuthenticated(assurance));
}
