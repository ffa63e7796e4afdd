// What the channels send: a few colliding histories (test/support/histories.ts), each with people and orders of its own,
// so that a seed has several components on several shards, in an order of arrival that mixes them.

import * as fc from "fast-check";
import type { ChannelEvent, IdentifierClaim } from "#core/event.ts";
import { OPERATOR_VERDICTS, rulingType } from "#core/ruling.ts";
import { hash, history, historyOf } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { tellApart } from "#support/subjects.ts";
import { markEvent } from "./marks.ts";
import type { Plan } from "./plan.ts";
import { hashText } from "./world.ts";

const PEOPLE_EACH = 8;
const HOUR_MS = 3_600_000;

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

/** Copies of one event stay so. */
function moveLater(arrivals: readonly Arrival[], lapse: number): Arrival[] {
  const firstAtMs = new Map<string, number>();
  return arrivals.map(({ atMs, event: { source, recordedAt, event } }) => {
    const name = `${source} ${event.eventId}`;
    const first = firstAtMs.get(name) ?? atMs;
    firstAtMs.set(name, first);
    const shift = first * lapse;
    const moved = { ...event, occurredAt: event.occurredAt + shift };
    return { atMs, event: { source, recordedAt: recordedAt + shift, event: moved } };
  });
}

export function createWorkload(plan: Plan): Arrival[] {
  const { seed, histories, historyLength, scenarios, feedMs, lapse = 0, erasuresAtMs } = plan;
  const draw = (name: string) => hashText(seed, name) / 4_294_967_296;
  const any =
    scenarios === undefined
      ? history(historyLength, historyLength)
      : fc.constantFrom(...scenarios).chain((scenario) => historyOf(scenario, historyLength, historyLength));
  const drawn = fc.sample(any, { numRuns: histories, seed });
  const isForgetful = erasuresAtMs !== undefined;
  const told = drawn.flatMap(({ events }, group) =>
    (isForgetful ? tellApart(events) : events).map(({ source, recordedAt, event }, place) => {
      const moved = { source, recordedAt, event: moveEvent(event, group) };
      const atMs = Math.round((feedMs * (place + draw(`arrival ${group} ${place}`))) / events.length);
      return { atMs, event: isForgetful ? markEvent(moved) : moved };
    }),
  );
  const arrivals = lapse === 0 ? told : moveLater(told, lapse);
  const more = arrivals.flatMap((arrival, place) => {
    const chance = draw(`more ${place}`);
    const atMs = Math.round(arrival.atMs + draw(`more at ${place}`) * (feedMs - arrival.atMs));
    if (arrival.event.source === "operator")
      return chance < 0.5 ? [{ atMs, event: contradict(arrival.event, chance) }] : [];
    return chance < 0.05 ? copyEarlier(arrival.event).map((event) => ({ atMs, event })) : [];
  });
  return [...arrivals, ...more].toSorted((a, b) => a.atMs - b.atMs);
}

/** The same two identifiers, ruled otherwise, before or after. */
function contradict({ source, recordedAt, event }: RecordedEvent, luck: number): RecordedEvent {
  const type = rulingType(OPERATOR_VERDICTS[Math.floor(luck * 2 * OPERATOR_VERDICTS.length)] ?? "lifted");
  const at = recordedAt + (luck < 0.25 ? -HOUR_MS : HOUR_MS);
  return { source, recordedAt: at, event: { ...event, eventId: `${event.eventId}-again`, type, occurredAt: at } };
}

/** A copy that was recorded before and comes later; not of what its own record time would clamp. */
function copyEarlier({ source, recordedAt, event }: RecordedEvent): RecordedEvent[] {
  const earlier = recordedAt - 3 * HOUR_MS;
  return event.occurredAt > earlier ? [] : [{ source, recordedAt: earlier, event }];
}
