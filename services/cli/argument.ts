// Arguments that more than one verb takes.

import { InvalidArgumentError } from "commander";
import { DURATION_PATTERN, parseDuration } from "#core/duration.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { DURATION_EXPECTED } from "#services/config/duration.ts";
import { formatSuggestion } from "#services/config/suggestion.ts";
import { UsageError } from "./failure.ts";

/** Milliseconds. Throws InvalidArgumentError. */
export function parseDurationArgument(text: string): number {
  return parseDuration(checkDuration(text));
}

/** As it was given. Throws InvalidArgumentError. */
export function checkDuration(text: string): string {
  if (!DURATION_PATTERN.test(text)) throw new InvalidArgumentError(DURATION_EXPECTED);
  return text;
}

/** Of --source. Throws UsageError. */
export function requireSource({ configuration }: LoadedConfiguration, source: string | undefined): void {
  const names = configuration.sources.map(({ name }) => name);
  if (source === undefined || names.includes(source)) return;
  throw new UsageError(
    `--source ${source}: there is no such source${formatSuggestion(source, names)}; there are ${names.join(", ")}`,
  );
}
