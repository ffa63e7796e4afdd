// The facts that decide an answer of rules: with nothing else known the answer is the same. They are found by leaving out
// one fact after the other, in the one order, as long as the answer stands: CEL answers `true || unknown` with true, and
// fails where what it needs is not there. So no fact of the result can be left out of it.

import { compareText } from "./comparison.ts";

/** Facts by group and name, as rules read them: `orders`, `valid`. */
export type Context = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Decided {
  readonly holds: (context: Context) => unknown;
  readonly answer: boolean;
}

/** Paths in the one order. What already fails or answers otherwise with all facts is not asked. */
export function findDecisive(decided: readonly Decided[], context: Context): string[] {
  const asked = decided.filter((one) => stands(one, context));
  let kept = context;
  const decisive: string[] = [];
  for (const group of Object.keys(context).sort(compareText)) {
    for (const name of Object.keys(context[group] ?? {}).sort(compareText)) {
      const { [name]: _left, ...others } = kept[group] ?? {};
      const without = { ...kept, [group]: others };
      if (asked.every((one) => stands(one, without))) kept = without;
      else decisive.push(`${group}.${name}`);
    }
  }
  return decisive;
}

function stands({ holds, answer }: Decided, context: Context): boolean {
  try {
    return holds(context) === answer;
  } catch {
    return false;
  }
}
