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
  const known = listVariables().map(({ variable }) => variable);
  return Object.entries(environment).flatMap(([name, value = ""]) => {
    if (!name.startsWith("WEFT_") || known.includes(name) || NOT_KEYS.test(name)) return [];
    if (SERVICE_LINK.test(name) || SERVICE_URL.test(value)) return [];
    return [`nothing reads ${name}${formatSuggestion(name, known)}: \`weft config explain\` prints the variables`];
  });
}

export function listOverrides(environment: Environment): Override[] {
  return listVariables().flatMap(({ type, ...place }) => {
    const text = environment[place.variable]?.trim();
    return text === undefined || text === "" ? [] : [{ ...place, value: readOverride(text, type) }];
  });
}

type Variable = Omit<Override, "value"> & Pick<Shape, "type">;

let variables: readonly Variable[] | undefined;

/** Made once: a command asks twice, and the schema takes 20 ms to describe. */
function listVariables(): readonly Variable[] {
  return (variables ??= gatherVariables(describeShape(configurationSchema).properties ?? {}));
}

function gatherVariables(properties: NonNullable<Shape["properties"]>): Variable[] {
  const list = (section: string | null, keys: NonNullable<Shape["properties"]>): Variable[] =>
    Object.entries(keys).flatMap(([key, { environment: variable, type }]) =>
      variable === undefined ? [] : [{ variable, section, key, ...(type === undefined ? {} : { type }) }],
    );
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
