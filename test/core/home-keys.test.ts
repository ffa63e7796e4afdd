// Keys at the home of somebody who is erased: what waits there does not come onto the log under one that stays (G1), what her
// orders seal counts the same whether or not theirs are gone yet (O2), and whoever came first, all of them end.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Component } from "#core/component.ts";
import { componentPart, openAbroad } from "#core/component.ts";
import { createEngine } from "#core/engine.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { AbsorbItem, Carried, EventItem, HandoverItem, RoutedIdentifier } from "#core/item.ts";
import { sealedUnder } from "#core/item.ts";
import { createOrder, type Order, orderPart } from "#core/order.ts";
import { applyItem } from "#core/step.ts";
import { publishChanges } from "#core/publication.ts";
import { Workspace } from "#core/workspace.ts";
import { configuration, hash } from "#support/histories.ts";

const id = (time: number, letter: string) => `0-${String(time).padStart(13, "0")}-${letter.repeat(22)}`;
const [HOME, OTHER, EARLIER, NEXT] = [id(5, "h"), id(7, "w"), id(1, "p"), id(4, "n")];
const AT = 1_000;
const BYTES = Uint8Array.of(1);

const told: ChannelEvent = { eventId: "e", type: "page-viewed", occurredAt: 400, identifiers: [] };
const engine = createEngine({ configuration, hash, resolverSlots: 1, decode: () => told });

function name(key: string, more: Partial<RoutedIdentifier> = {}): RoutedIdentifier {
  return { namespace: "customer", value: key, key, assurance: "authenticated", birth: HOME, local: true, ...more };
}

function event(change: Partial<EventItem>): EventItem {
  return {
    kind: "event",
    component: HOME,
    role: "anchor",
    ruling: null,
    source: "crm",
    eventId: "e",
    recordedAt: 500,
    backfill: false,
    traceparent: null,
    anchor: "x",
    identifiers: [name("x")],
    order: null,
    ...change,
  };
}

function erase(
  change: Partial<EventItem["erasure"]>,
  identifiers: readonly RoutedIdentifier[],
  component = HOME,
): EventItem {
  const erasure = { requestId: "r", at: AT, own: [], orders: [], claimed: [], shared: [], ...change };
  const silent = identifiers.map((one) => ({ ...one, value: "", assurance: "operator" as const }));
  return event({
    role: "ruling",
    source: "privacy",
    eventId: "r",
    recordedAt: AT,
    identifiers: silent,
    erasure,
    component,
  });
}

const cause = { source: "crm", eventId: "j", at: AT, occurredAt: null, backfill: false, traceparent: null };
const absorb = (component: string, into: string): AbsorbItem => ({ kind: "absorb", component, into, cause });

const order = { orderId: "O-1", currency: "EUR", totalMinor: 500, lines: [] };
const placing = createEngine({
  configuration,
  hash,
  resolverSlots: 1,
  decode: () => ({ ...told, type: "order-placed", order }),
});

function open() {
  const parts = new Map<string, unknown>();
  return {
    parts,
    apply(item: Carried["item"], bytes: Uint8Array | null = null, of = engine): Workspace {
      const workspace = new Workspace(parts);
      const steps = applyItem(of, workspace, { item, event: bytes });
      for (let next = steps.next(); next.done !== true; next = steps.next([]));
      publishChanges(engine, workspace);
      return workspace;
    },
  };
}

function handed({ sends }: Workspace): HandoverItem {
  const item = sends.map((one) => one.item).find(({ kind }) => kind === "handover");
  return structuredClone(item) as HandoverItem;
}

/** Of what has waited and goes with a hand-over: bytes, and what identifiers are called. */
function listWaiting({ sends }: Workspace): (readonly [readonly number[] | null, readonly string[]])[] {
  return sends.flatMap(({ item, event }) =>
    item.kind === "event" ? [[event && [...event], item.identifiers.map(({ value }) => value)] as const] : [],
  );
}

function isWaitingInside({ parts }: HandoverItem): boolean {
  return parts.some(({ value }) => ((value as Component | null)?.abroad?.parked ?? []).length > 0);
}

const OF_OTHER = name("w", { birth: OTHER });

describe("what waits at a home, of somebody who is erased there, is not in what the home hands over (G1)", () => {
  it("of a life of which nothing has come yet", () => {
    const { apply } = open();
    apply(event({ identifiers: [name("x"), OF_OTHER] }), BYTES);
    apply(erase({ own: ["x"] }, [name("x")]));
    deepEqual(listWaiting(apply(absorb(HOME, EARLIER))), [[null, ["", "w"]]]);
  });

  it("of an order", () => {
    const { apply } = open();
    const order = name("o", { namespace: "order" });
    apply(
      event({
        role: "order",
        anchor: "far",
        identifiers: [name("far", { birth: EARLIER, local: false }), OF_OTHER],
        order,
      }),
      BYTES,
    );
    apply(erase({ orders: ["o"] }, [order]));
    const [waiting] = listWaiting(apply(absorb(HOME, NEXT)));
    equal(waiting?.[0], null);
  });

  it("of what only claims had tied to her", () => {
    const { apply } = open();
    const typed = name("x", { namespace: "email", assurance: "claimed" });
    apply(event({ identifiers: [typed] }), BYTES);
    apply(event({ eventId: "e2", identifiers: [typed, OF_OTHER] }), BYTES);
    apply(erase({ claimed: ["x"] }, [{ ...typed, rotation: 1 }]));
    deepEqual(listWaiting(apply(absorb(HOME, NEXT))), [[null, ["", "w"]]]);
  });

  it("of what she shared", () => {
    const { apply } = open();
    const typed = name("x", { namespace: "email", assurance: "claimed" });
    apply(event({ identifiers: [typed] }), BYTES);
    apply(event({ eventId: "e2", identifiers: [typed, OF_OTHER] }), BYTES);
    apply(erase({ shared: ["x"] }, [{ ...typed, rotation: 1 }]));
    equal(listWaiting(apply(absorb(HOME, NEXT)))[0]?.[0], null);
  });

  it("of what is ruled", () => {
    const { apply } = open();
    apply(event({ identifiers: [name("x")] }), BYTES);
    const ruling = { verdict: "apart", one: "x", other: "w", occurredAt: 400 } as const;
    apply(event({ eventId: "e2", role: "ruling", identifiers: [name("x"), OF_OTHER], ruling }), BYTES);
    apply(erase({ own: ["x"] }, [name("x")]));
    deepEqual(listWaiting(apply(absorb(HOME, NEXT))), [[null, ["", "w"]]]);
  });

  it("where that has not heard of the erasure yet: it goes under its own key, and not in the hand-over", () => {
    const { apply } = open();
    // Told of her to the next home before it has heard; and that is absorbed before.
    apply(event({ eventId: "e2", component: NEXT }), BYTES);
    const left = apply(absorb(NEXT, EARLIER));
    equal(isWaitingInside(handed(left)), false);
    deepEqual(listWaiting(left), [[[1], ["x"]]]);
    const [, passed] = left.sends;
    equal(sealedUnder(passed?.item as EventItem), "x");
  });
});

describe("what is sealed under an order that was erased", () => {
  const setUp = (isMet = true) => {
    const { parts, apply } = open();
    const order = name("o", { namespace: "order", value: "web/O-1" });
    if (isMet) parts.set(orderPart("o"), createOrder("o", HOME, "web/O-1"));
    apply(event({ eventId: "e1", identifiers: [name("w")], anchor: "w" }), BYTES);
    apply(erase({ orders: ["o"] }, [order]));
    const first = handed(apply(absorb(HOME, NEXT)));
    apply(first);
    const far = name("far", { birth: EARLIER, local: false });
    const more = name("w2", { namespace: "email", birth: HOME });
    const late = event({
      eventId: "e2",
      component: NEXT,
      role: "order",
      anchor: "far",
      identifiers: [far, name("w"), more],
      order,
    });
    equal(sealedUnder(late), "o");
    return { parts, apply, late };
  };

  it("counts the same whether or not its key is gone yet (O2)", () => {
    const say = (bytes: Uint8Array | null) => {
      const { apply, late } = setUp();
      const { effects } = apply(late, bytes);
      return effects.filter(({ kind }) => kind !== "keys-forgotten");
    };
    deepEqual(say(BYTES), say(null));
  });

  it("counts so too where nothing of it had come (O2)", () => {
    const say = (bytes: Uint8Array | null) => {
      const { apply, late } = setUp(false);
      return apply(late, bytes).effects.filter(({ kind }) => kind !== "keys-forgotten");
    };
    deepEqual(say(BYTES), say(null));
  });

  it("destroys its key again, which whoever had it on its way may have written anew (G1)", () => {
    const { apply, late } = setUp();
    const { effects } = apply(late, BYTES);
    deepEqual(
      new Set(effects.flatMap((effect) => (effect.kind === "keys-forgotten" ? effect.keys : []))),
      new Set(["o"]),
    );
  });
});

describe("who was met as erased before the request came to her home", () => {
  it("has her keys destroyed with it, under which somebody may have ruled of her (G1)", () => {
    const { apply } = open();
    const ruling = { verdict: "cut", one: "w", other: "x", occurredAt: 400 } as const;
    apply(event({ role: "ruling", anchor: "w", identifiers: [name("x"), name("w", { local: false })], ruling }));
    const known = [name("w"), name("x", { value: "", erased: "own" })];
    apply(event({ eventId: "e2", anchor: "w", identifiers: known }), BYTES);
    const { effects } = apply(erase({ own: ["x"] }, [name("x")]));
    deepEqual(
      effects.filter(({ kind }) => kind === "keys-forgotten"),
      [{ kind: "keys-forgotten", keys: ["x"] }],
    );
  });
});

describe("an order of hers that lives where she does not", () => {
  it("goes when she comes there as who was erased, and its key with it (G1)", () => {
    const { parts, apply } = open();
    const far = name("x", { birth: OTHER, local: false });
    const named = name("o", { namespace: "order", value: "web/O-1" });
    apply(event({ role: "order", source: "web", identifiers: [far, name("w")], order: named }), BYTES, placing);
    const hers = name("x", { birth: OTHER });
    apply(event({ component: OTHER, identifiers: [hers] }), BYTES);
    apply(erase({ own: ["x"] }, [hers], OTHER));
    apply(handed(apply(absorb(OTHER, HOME))));
    equal((parts.get(orderPart("o")) as Order).erased, true);
    const { forgets } = openAbroad(parts.get(componentPart(HOME)) as Component);
    deepEqual([...forgets], ["o", orderPart("o")]);
  });
});

describe("an order that is somebody else's by the time the request comes", () => {
  it("is not erased, and keeps its key (G1)", () => {
    const { parts, apply } = open();
    const order = name("o", { namespace: "order", value: "web/O-1" });
    apply(event({ identifiers: [name("w")], anchor: "w" }), BYTES);
    apply(event({ eventId: "e2", identifiers: [name("x")] }), BYTES);
    parts.set(orderPart("o"), { ...createOrder("o", HOME, "web/O-1"), owner: "w" });
    apply(erase({ own: ["x"], orders: ["o"] }, [name("x"), order]));
    deepEqual([...openAbroad(parts.get(componentPart(HOME)) as Component).forgets], ["x"]);
    equal((parts.get(orderPart("o")) as Order).erased, undefined);
  });
});

describe("an order of a life that has ended before anything of that came", () => {
  it("goes with it: its key ends (G1)", () => {
    const { parts, apply } = open();
    apply(event({ identifiers: [name("w")], anchor: "w" }), BYTES);
    const order = name("o", { namespace: "order" });
    apply(erase({ own: ["x"], orders: ["o"] }, [name("x"), order]));
    const component = parts.get(componentPart(HOME)) as Component;
    equal(openAbroad(component).forgets.has("o"), true);
  });
});
