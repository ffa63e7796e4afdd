// The rules file as the engine takes it: ladder, audiences, signals, and what a transition carries.

import { ABANDONED_CART, type Rules, type SegmentRule, type SignalRule } from "#core/configuration.ts";
import { checkAudiences, checkLadder, checkScores, checkSignals } from "./consistency.ts";
import { SourceDocument } from "./document.ts";
import { ConfigurationError, type Problem } from "./problem.ts";
import { omitEmpty, parse, readDocument } from "./reading.ts";
import { type RulesFile, rulesSchema, SOURCE_LATE_AFTER_MS } from "./rules-schema.ts";
import { buildScores } from "./score-schema.ts";

/** The rules alone, for checking a file that is not in use yet. */
export function loadRules(path: string): Rules {
  const problems: Problem[] = [];
  return requireRules(readRules(path, problems), problems);
}

/** Of a rules file that came by another way; `name` stands for it in problems. */
export function parseRules(name: string, text: string): Rules {
  const document = new SourceDocument(name, text);
  const problems = [...document.syntaxProblems];
  return requireRules(problems.length > 0 ? undefined : buildRules(document, problems), problems);
}

function requireRules(rules: Rules | undefined, problems: readonly Problem[]): Rules {
  if (rules === undefined || problems.length > 0) throw new ConfigurationError(problems);
  return rules;
}

export function readRules(path: string, problems: Problem[], from?: SourceDocument): Rules | undefined {
  const before = problems.length;
  const document = readDocument(path, problems, from);
  return problems.length > before ? undefined : buildRules(document, problems);
}

function buildRules(document: SourceDocument, problems: Problem[]): Rules | undefined {
  const value = omitEmpty(document.value);
  const file = parse(rulesSchema, value, document, problems, []);
  problems.push(
    ...checkLadder(value, document),
    ...checkAudiences(value, document),
    ...checkSignals(value, document),
    ...checkScores(value, document),
  );
  if (file === undefined) return undefined;
  const { halfLife, valueTiers, reach } = file.passages;
  const passages = { halfLifeMs: halfLife, valueTiers, reach };
  return {
    version: file.version,
    ladder: buildLadder(file),
    ...buildAudiences(file),
    signals: buildSignals(file),
    passages,
    ...buildScores(file.scores),
  };
}

function buildLadder({ ladder }: RulesFile): SegmentRule[] {
  return ladder.map(({ segment, when, leaveWhen, holdFor, stayFor, to }) => ({
    segment,
    when,
    ...(leaveWhen === undefined ? {} : { leaveWhen }),
    ...(holdFor === undefined ? {} : { holdForMs: holdFor }),
    ...(stayFor === undefined ? {} : { stayForMs: stayFor }),
    ...(to === undefined ? {} : { to }),
  }));
}

function buildAudiences({ audiences }: RulesFile): Pick<Rules, "audiences"> {
  return audiences.length === 0 ? {} : { audiences: audiences.map(({ audience, when }) => ({ audience, when })) };
}

function buildSignals({ signals }: RulesFile): SignalRule[] {
  return signals.flatMap(({ enabled, dueAfter, sourceLateAfter = SOURCE_LATE_AFTER_MS, ...given }) => {
    const isBare = given.signal === ABANDONED_CART.signal && given.after === undefined && given.yearly === undefined;
    const rule = isBare
      ? { ...given, after: ABANDONED_CART.after, unless: given.unless ?? ABANDONED_CART.unless }
      : given;
    return enabled
      ? [
          {
            signal: rule.signal,
            after: rule.after ?? [],
            unless: rule.unless ?? [],
            yearly: rule.yearly ?? null,
            while: rule.while ?? null,
            dueAfterMs: dueAfter,
            sourceLateAfterMs: sourceLateAfter,
          },
        ]
      : [];
  });
}
