// What the channels send: a few colliding histories (test/support/histories.ts), each with people and orders of its own,
// so that a seed has several components on several shards, in an order of arrival that mixes them.

import * as fc from "fast-check";
import type { ChannelEvent, IdentifierClaim } from "#core/event.ts";
import { hash, history } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import type { Plan } from "./plan.ts";
import { hashText } from "./world.ts";

const PEOPLE_EACH = 8;

/** Digests of the addresses that a history may name, to the address's number. */
const DIGESTS = new Map(
  Array.from({ length: PEOPLE_EACH }, (_, person) => [hash.digest(`person${person}@example.fr`), person] as const),
);

/** The same value of another person, further on; junk and what is not a person's value stay. */
function moveValue(namespace: string, value: string, group: number): string {
  const shift = group * PEOPLE_EACH;
  const person = namespace === "email-sha256" ? DIGESTS.get(value) : undefined;
  if (person !== undefined) return hash.digest(`person${person + shift}@example.fr`);
  if (namespace === "order") return `${value}-${group}`;
  if (namespace === "phone")
    return value.replace(
      /^(\s*"?)061234567(\d)/,
      (_, start: string, d: string) => `${start}06${String(12345670 + Number(d) + shift * 10)}`,
    );
  return value
    .replace(/person(\d+)@/, (_, digits: string) => `person${Number(digits) + shift}@`)
    .replace(
      /((?:^|["\s])(?:c|m|ck|app|token|2099)-|@handle)(\d+)/,
      (_, start: string, d: string) => `${start}${Number(d) + shift}`,
    )
    .replace(/^@many-/, `@many${group}-`);
}

function moveEvent(event: ChannelEvent, group: number): ChannelEvent {
  const { order, replaced } = event;
  const move = (claim: IdentifierClaim) => ({ ...claim, value: moveValue(claim.namespace, claim.value, group) });
  return {
    ...event,
    eventId: `h${group}${event.eventId}`,
    identifiers: event.identifiers.map(move),
    ...(order === undefined || order === null ? {} : { order: { ...order, orderId: `${order.orderId}-${group}` } }),
    ...(replaced === undefined || replaced === null
      ? {}
      : {
          replaced: {
            ...replaced,
            old: moveValue(replaced.namespace, replaced.old, group),
            new: moveValue(replaced.namespace, replaced.new, group),
          },
        }),
  };
}

export interface Arrival {
  /** Of the virtual clock. */
  readonly atMs: number;
  readonly event: RecordedEvent;
}

export function createWorkload({ seed, histories, historyLength, feedMs }: Plan): Arrival[] {
  const drawn = fc.sample(history(historyLength, historyLength), { numRuns: histories, seed });
  const arrivals = drawn.flatMap(({ events }, group) =>
    events.map(({ source, recordedAt, event }, place) => ({
      atMs: Math.round(
        (feedMs * (place + hashText(seed, `arrival ${group} ${place}`) / 4_294_967_296)) / events.length,
      ),
      event: { source, recordedAt, event: moveEvent(event, group) },
    })),
  );
  return arrivals.toSorted((a, b) => a.atMs - b.atMs);
}
