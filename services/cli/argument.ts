// Arguments that more than one verb takes.

import { InvalidArgumentError } from "commander";
import { DURATION_PATTERN, parseDuration } from "#core/duration.ts";
import { DURATION_EXPECTED } from "#services/config/duration.ts";

/** Milliseconds. Throws InvalidArgumentError. */
export function parseDurationArgument(text: string): number {
  if (!DURATION_PATTERN.test(text)) throw new InvalidArgumentError(DURATION_EXPECTED);
  return parseDuration(text);
}
