// The changes of a profile for whoever has not `profile:pii`: of each kind of path what a look-up would show masked, and of
// a kind that nobody has decided about nothing.

import type { Change, Path, PathKind } from "#core/effect.ts";
import { HIDDEN, mask } from "#services/wire/mask.ts";

type Show = (change: Change) => Change;

const whole: Show = (change) => change;
/** Its name is told, its value is not. */
const withoutValue: Show = ({ path, before, after }) => ({ path, before: hide(before), after: hide(after) });
/** An identifier, or what is like one, stands in the path behind its kind. */
const withoutName: Show = ({ path, before, after }) => {
  const [, start = "", name = ""] = /^([^.]*\.[^.]*\.)(.*)$/s.exec(path) ?? [];
  return { path: `${start}${mask(name)}` as Path, before, after };
};

const SHOWN: Readonly<Record<PathKind, Show>> = {
  audiences: whole,
  cases: whole,
  consents: whole,
  contacts: withoutName,
  counters: whole,
  groups: withoutName,
  identifiers: withoutName,
  identifiersCount: whole,
  loyalty: whole,
  orders: whole,
  preferences: withoutValue,
  profile: whole,
  restrictions: whole,
  scores: whole,
  segment: whole,
  subscriptions: whole,
  traits: withoutValue,
};

export function maskChange(change: Change): Change {
  const [kind = ""] = change.path.split(".", 1);
  // Another version of Weft may have written it.
  if (!Object.hasOwn(SHOWN, kind)) return withoutValue({ ...change, path: HIDDEN as Path });
  return SHOWN[kind as PathKind](change);
}

function hide(text: string | null): string | null {
  return text === null ? null : JSON.stringify(HIDDEN);
}
