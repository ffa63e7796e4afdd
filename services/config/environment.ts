// What the environment says over a configuration file, read off the schema, so that what `config explain` says about the
// environment is what happens.

import { isMap } from "./reading.ts";
import { configurationSchema } from "./schema.ts";
import { describeShape, type Shape } from "./shape.ts";
import { formatSuggestion } from "./suggestion.ts";

export interface Override {
  readonly variable: string;
  /** null: a key of the file itself. */
  readonly section: string | null;
  readonly key: string;
  readonly value: unknown;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Read elsewhere: by the command itself, by infra, by the tests. */
const NOT_KEYS = /^WEFT_(DEBUG|CACHE_DIR|FAILPOINT|RETAIL_FILE|(PROPERTY|FUZZ|KILL|TEST)_.*)$/;
/** What Kubernetes tells every pod of a service called weft-something. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_.*)?)$/;
const SERVICE_URL = /^(tcp|udp|sctp):\/\//;

/** A line for each variable that is called as if it were Weft's, and is not: nothing reads it. */
export function describeUnknown(environment: Environment): string[] {
  const shape = describeShape(configurationSchema).properties ?? {};
  const parts = Object.values(shape);
  const known = [...parts, ...parts.flatMap(({ properties }) => Object.values(properties ?? {}))].flatMap(
    (part) => part.environment ?? [],
  );
  return Object.entries(environment).flatMap(([name, value = ""]) => {
    if (!name.startsWith("WEFT_") || known.includes(name) || NOT_KEYS.test(name)) return [];
    if (SERVICE_LINK.test(name) || SERVICE_URL.test(value)) return [];
    return [`nothing reads ${name}${formatSuggestion(name, known)}: \`weft config explain\` prints the variables`];
  });
}

export function listOverrides(environment: Environment): Override[] {
  const shape = describeShape(configurationSchema);
  const list = (section: string | null, properties: NonNullable<Shape["properties"]>): Override[] =>
    Object.entries(properties).flatMap(([key, { environment: variable, type }]) => {
      const text = variable === undefined ? undefined : environment[variable]?.trim();
      if (variable === undefined || text === undefined || text === "") return [];
      return [{ variable, section, key, value: readOverride(text, type) }];
    });
  const properties = shape.properties ?? {};
  return [
    ...list(null, properties),
    ...Object.entries(properties).flatMap(([section, part]) => list(section, part.properties ?? {})),
  ];
}

function readOverride(text: string, type: string | undefined): unknown {
  if (type === "array") return text.split(",").map((part) => part.trim());
  if (type === "boolean")
    return text === "1" || text === "true" ? true : text === "0" || text === "false" ? false : text;
  return type === "integer" && /^\d+$/.test(text) ? Number(text) : text;
}

export function applyOverrides(
  value: Record<string, unknown>,
  overrides: readonly Override[],
): Record<string, unknown> {
  const result = { ...value };
  for (const { section, key, value: override } of overrides) {
    if (section === null) {
      result[key] = override;
      continue;
    }
    const present = result[section] ?? {};
    if (isMap(present)) result[section] = { ...present, [key]: override };
  }
  return result;
}
