// The lifecycle ladder: ordered CEL rules over the facts of a view; the first that holds wins and the last matches all,
// so a profile is in exactly one segment at every instant. Rungs may hold whoever is on them (rung.ts).

import { Environment } from "@marcbachmann/cel-js";
import type { Rules } from "./configuration.ts";
import { findDecisive, type Context } from "./decisive.ts";
import { parseDuration } from "./duration.ts";
import { holdBack, isTrue, mayGo, type Condition, type Path, type Rung } from "./rung.ts";
import { SCORE_NAMES, type Facts } from "./view.ts";

/** Structural bounds of one rule: a rule cannot loop, and cannot be larger than this. */
export const RULE_LIMITS = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 64,
  maxMapEntries: 64,
  maxCallArguments: 8,
} as const;

/**
 * elapsed(instant, "90d"): whether so much time has passed since the instant (0: there was none) at the time of asking;
 * `ask` is told the instant and the milliseconds.
 */
export function createRuleEnvironment(ask: (instant: number, ms: number) => boolean = () => false): Environment {
  return new Environment({ limits: RULE_LIMITS })
    .registerVariable({
      name: "profile",
      schema: {
        known: "bool",
        contactPoints: "int",
        checkouts: "int",
        cartsFilled: "int",
        firstAt: "int",
        lastAt: "int",
      },
    })
    .registerVariable({ name: "orders", schema: { valid: "int", spentMinor: "map<string, int>", latestAt: "int" } })
    .registerVariable({ name: "scores", schema: Object.fromEntries(SCORE_NAMES.map((name) => [name, "int"])) })
    .registerFunction("elapsed(int, string): bool", (instant: bigint, duration: string) =>
      ask(Number(instant), parseDuration(duration)),
    );
}

/** Whether a rule depends on time. */
export function readsTime(when: string): boolean {
  return READS_TIME.test(when);
}

/** The ways to time: instants compare with nothing else that a rule can name, and of scores one ages. */
const READS_TIME = /\belapsed\s*\(|\b(firstAt|lastAt|latestAt|scores)\b/;

export function readsScores(when: string): boolean {
  return /\bscores\b/.test(when);
}

/** Facts whose answer is remembered: most people look like many others. */
const ANSWERS_MAX = 10_000;

export interface Standing {
  readonly segment: string;
  readonly rule: string;
  /** The next instant at which passing time alone may change it; null: it never does. */
  readonly until: number | null;
  /** Since when it would be a lower segment, if it did not hold her. */
  readonly leavingSince: number | null;
}

const NOWHERE: Path = { segment: null, since: 0, leavingSince: null, nowMs: 0 };

export interface Ladder {
  readonly version: string;
  /** Whether a rule depends on time, those of audiences and scores counted in. */
  readonly readsTime: boolean;
  /** The segment at that time, and the rule that put it there. A rule that fails to evaluate does not hold. */
  evaluate(facts: Facts, atMs: number, path?: Path): Standing;
  /** Of a move: the facts that hold its rule true, and on the way down the former segment's false (decisive.ts). */
  findDecisive(facts: Facts, atMs: number, from: string | null, to: string): readonly string[];
  /** Of two segments the one higher on the ladder has the greater height; one that is not on it is below all. */
  heightOf(segment: string | null): number;
}

/** Rules that are asked together. As long as no answer about time changes that was asked for on the way, neither does the whole. */
export function openRules() {
  let nowMs = 0;
  let until: number | null = null;
  const environment = createRuleEnvironment((instant, ms) => {
    if (instant === 0 || Number.isNaN(ms)) return false;
    const boundary = instant + ms;
    if (boundary > nowMs) until = Math.min(until ?? boundary, boundary);
    return boundary <= nowMs;
  });
  return {
    parse: (when: string): Condition => environment.parse(when),
    /** What is asked from here on is asked as of this time. */
    begin(facts: Facts, atMs: number): Context {
      nowMs = atMs;
      until = null;
      return toCel(facts);
    },
    /** The next instant at which an answer since then may change. */
    until: (): number | null => until,
  };
}

/** One rule without time by itself. One that fails to evaluate does not hold. */
export function compileCondition(when: string): (facts: Facts) => boolean {
  const rules = openRules();
  const holds = rules.parse(when);
  return (facts) => isTrue(holds, rules.begin(facts, 0));
}

const compiled = new WeakMap<Rules, Ladder>();

/** The same rules are compiled once in a process. */
export function compileLadder(rules: Rules): Ladder {
  const ladder = compiled.get(rules) ?? compile(rules);
  compiled.set(rules, ladder);
  return ladder;
}

function compile(rules: Rules): Ladder {
  const asked = openRules();
  const rungs = rules.ladder.map((rule, place): Rung => {
    const leaves = rule.leaveWhen === undefined ? null : asked.parse(rule.leaveWhen);
    return { rule, height: rules.ladder.length - place, holds: asked.parse(rule.when), leaves };
  });
  const last = rungs.at(-1);
  if (last === undefined) throw new Error("the ladder has no rung");
  const bySegment = new Map<string | null, Rung>(rungs.map((rung) => [rung.rule.segment, rung]));
  const audiences = (rules.audiences ?? []).some(({ when }) => readsTime(when));
  const asksForTime = rules.ladder.some(
    ({ when, leaveWhen, holdForMs, stayForMs }) =>
      readsTime(when) || readsTime(leaveWhen ?? "") || holdForMs !== undefined || stayForMs !== undefined,
  );
  const holds = rules.ladder.some(
    ({ leaveWhen, holdForMs, stayForMs, to }) => (leaveWhen ?? holdForMs ?? stayForMs ?? to) !== undefined,
  );
  const heightOf = (segment: string | null) => bySegment.get(segment)?.height ?? 0;
  const rememberAnswer = remember<Standing>();
  const rememberDecisive = remember<readonly string[]>();
  const ask = (facts: Facts, atMs: number, path: Path): Standing => {
    const context = asked.begin(facts, atMs);
    const current = holds ? bySegment.get(path.segment) : undefined;
    const holding = rungs.find((rung) => mayGo(current, rung) && isTrue(rung.holds, context));
    const best = holding ?? current ?? last;
    const { rung, until, leavingSince } =
      current === undefined
        ? { rung: best, until: null, leavingSince: null }
        : holdBack(current, best, context, atMs, path);
    const { segment, when } = rung.rule;
    return { segment, rule: when, until: earlier(asked.until(), until), leavingSince };
  };
  return {
    version: rules.version,
    readsTime: asksForTime || audiences || rules.scores !== undefined,
    evaluate(facts, atMs, path = NOWHERE) {
      if (asksForTime || holds) return ask(facts, atMs, path);
      return rememberAnswer(writeFacts(facts), () => ask(facts, atMs, path));
    },
    findDecisive(facts, atMs, from, to) {
      const isDown = heightOf(to) < heightOf(from);
      const find = (): string[] => {
        const decided = rungs
          .filter(({ rule: { segment } }) => segment === to || (isDown && segment === from))
          .map(({ rule: { segment }, holds: asks }) => ({ holds: asks, answer: segment === to }));
        return findDecisive(decided, asked.begin(facts, atMs));
      };
      if (asksForTime) return find();
      return rememberDecisive(`${JSON.stringify([from, to])} ${writeFacts(facts)}`, find);
    },
    heightOf,
  };
}

export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** What was made under a key once. */
function remember<T>(): (key: string, make: () => T) => T {
  let made = new Map<string, T>();
  return (key, make) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (made.size >= ANSWERS_MAX) made = new Map();
    made.set(key, value);
    return value;
  };
}

/** All that a rule can read that does not depend on time. */
function writeFacts({ profile, orders }: Facts): string {
  let text = `${profile.known} ${profile.contactPoints} ${profile.checkouts} ${profile.cartsFilled} ${orders.valid}`;
  for (const [currency, minor] of orders.spentMinor) text += ` ${JSON.stringify(currency)} ${minor}`;
  return text;
}

/** CEL's int is a BigInt in this library. */
function toCel({ profile, orders, scores }: Facts): Context {
  return {
    profile: {
      known: profile.known,
      contactPoints: BigInt(profile.contactPoints),
      checkouts: BigInt(profile.checkouts),
      cartsFilled: BigInt(profile.cartsFilled),
      firstAt: BigInt(profile.firstAt),
      lastAt: BigInt(profile.lastAt),
    },
    orders: {
      valid: BigInt(orders.valid),
      latestAt: BigInt(orders.latestAt),
      spentMinor: new Map([...orders.spentMinor].map(([currency, minor]) => [currency, BigInt(minor)])),
    },
    ...(scores === undefined
      ? {}
      : { scores: Object.fromEntries(SCORE_NAMES.map((name) => [name, BigInt(scores[name])])) }),
  };
}
