// What no schema of single keys can see: names used twice, names that nothing declares, expressions that do not check.
// It reads the file as written, not as parsed, so that these problems come out together with those of form.

import { ABANDONED_CART, MOMENTS } from "#core/configuration.ts";
import { EVENT_TYPES } from "#core/event.ts";
import { PARTS, PARTS_WITH_ENTRIES } from "#core/lawful.ts";
import { checkField, checkPayloadField, checkRule, findScores, findTime } from "./expression.ts";
import type { SourceDocument } from "./document.ts";
import type { Problem } from "./problem.ts";
import { checkCategories } from "./special-category.ts";
import { formatSuggestion } from "./suggestion.ts";
import { nameTopics } from "./topics.ts";

type Path = readonly PropertyKey[];

export function checkNames(value: unknown, document: SourceDocument, shippedNamespaces: readonly string[]): Problem[] {
  const root = asMap(value);
  const declared = listNames(root["namespaces"], "name");
  const namespaces = root["namespaces"] === undefined ? shippedNamespaces : declared;
  const entries = asList(root["namespaces"]).map(asMap);
  const problems = [
    ...findDuplicates(root["namespaces"], "name", ["namespaces"], "namespace", document),
    ...findDuplicates(root["sources"], "name", ["sources"], "source", document),
    ...checkDigests(entries, document),
    ...checkFolds(entries, document),
    ...checkLimits(entries, document),
    ...checkTopics(root, document),
    ...checkSlots(asMap(root["engine"]), document),
  ];
  for (const [index, entry] of asList(root["sources"]).entries()) {
    const source = asMap(entry);
    const path = ["sources", index];
    problems.push(...checkNamespaces(source["assurance"], [...path, "assurance"], namespaces, document));
    for (const [type, byNamespace] of Object.entries(asMap(source["assuranceByType"]))) {
      problems.push(...checkNamespaces(byNamespace, [...path, "assuranceByType", type], namespaces, document));
    }
    problems.push(...checkContract(source, path, namespaces, document));
    problems.push(...checkCategories(listDeclared(source, path), asMap(source["legalBasisByField"]), document));
    if (source["mapping"] !== undefined)
      problems.push(...checkMapping(source["mapping"], [...path, "mapping"], namespaces, document));
  }
  return problems;
}

export function checkLadder(value: unknown, document: SourceDocument): Problem[] {
  const ladder = asList(asMap(value)["ladder"]);
  const problems = findDuplicates(ladder, "segment", ["ladder"], "segment", document);
  const segments = listNames(ladder, "segment");
  for (const [index, entry] of ladder.entries()) {
    const { leaveWhen, to, segment } = asMap(entry);
    const found = typeof leaveWhen === "string" ? checkRule(leaveWhen) : undefined;
    if (found)
      problems.push(document.problemInside(found.code, ["ladder", index, "leaveWhen"], found.message, found.position));
    for (const [place, name] of asList(to).entries()) {
      const at = ["ladder", index, "to", place];
      if (typeof name === "string" && !segments.includes(name))
        problems.push(document.problem("unknown-name", at, `no such segment${formatSuggestion(name, segments)}`));
      else if (name === segment)
        problems.push(document.problem("wrong-value", at, "expected other segments: to stay is always allowed"));
    }
  }
  for (const [index, entry] of ladder.entries()) {
    const path = ["ladder", index, "when"];
    const when = asMap(entry)["when"] === true ? "true" : asMap(entry)["when"];
    if (typeof when !== "string") continue;
    const found = checkRule(when);
    if (found) problems.push(document.problemInside(found.code, path, found.message, found.position));
    const last = index === ladder.length - 1;
    if (last && when.trim() !== "true")
      problems.push(document.problem("rule-order", path, "expected `true`: the last segment takes everybody else"));
    if (!last && when.trim() === "true")
      problems.push(
        document.problem("rule-order", path, "`true` before the last segment leaves the later ones without anybody"),
      );
  }
  return problems;
}

export function checkAudiences(value: unknown, document: SourceDocument): Problem[] {
  const audiences = asList(asMap(value)["audiences"]);
  const problems = findDuplicates(audiences, "audience", ["audiences"], "audience", document);
  for (const [index, entry] of audiences.entries()) {
    const { when } = asMap(entry);
    const found = typeof when === "string" ? checkRule(when) : undefined;
    if (found)
      problems.push(document.problemInside(found.code, ["audiences", index, "when"], found.message, found.position));
  }
  return problems;
}

export function checkSignals(value: unknown, document: SourceDocument): Problem[] {
  const signals = asList(asMap(value)["signals"]);
  const problems = findDuplicates(signals, "signal", ["signals"], "signal", document);
  for (const [index, entry] of signals.entries()) {
    const path = ["signals", index];
    const { after, yearly, unless, while: condition } = asMap(entry);
    const isShipped = asMap(entry)["signal"] === ABANDONED_CART.signal && yearly === undefined;
    if ((after === undefined) === (yearly === undefined) && !isShipped)
      problems.push(document.problem("missing-key", path, "expected either `after` or `yearly`"));
    if (yearly !== undefined && unless !== undefined)
      problems.push(document.problemWithKey("unknown-key", [...path, "unless"], "a yearly signal has no `unless`"));
    for (const [key, names] of [
      ["after", after],
      ["unless", unless],
    ] as const)
      for (const [at, name] of (Array.isArray(names) ? asList(names) : [names]).entries())
        problems.push(...checkMoment(name, Array.isArray(names) ? [...path, key, at] : [...path, key], document));
    if (typeof condition !== "string") continue;
    const found = checkRule(condition) ?? findTime(condition);
    if (found) problems.push(document.problemInside(found.code, [...path, "while"], found.message, found.position));
  }
  return problems;
}

/** Terms of the lead score; and no rule reads scores that are not declared. */
export function checkScores(value: unknown, document: SourceDocument): Problem[] {
  const { scores, ladder, audiences } = asMap(value);
  const lead = asList(asMap(scores)["lead"]);
  const problems = findDuplicates(lead, "term", ["scores", "lead"], "term", document);
  for (const [index, entry] of lead.entries()) {
    const { when } = asMap(entry);
    const found = typeof when === "string" ? (checkRule(when) ?? findScores(when)) : undefined;
    if (found)
      problems.push(
        document.problemInside(found.code, ["scores", "lead", index, "when"], found.message, found.position),
      );
  }
  if (scores !== undefined) return problems;
  const rules = asList(ladder).map((rule, at) => ["ladder", at, rule] as const);
  const others = asList(audiences).map((rule, at) => ["audiences", at, rule] as const);
  for (const [list, at, rule] of [...rules, ...others])
    for (const key of ["when", "leaveWhen"]) {
      const text = asMap(rule)[key];
      if (typeof text === "string" && findScores(text) !== undefined)
        problems.push(document.problem("unknown-name", [list, at, key], "no scores are declared: say `scores:`"));
    }
  return problems;
}

/** Any type of event may be named; one that is nearly a moment or a type of the vocabulary is a slip. */
function checkMoment(name: unknown, path: Path, document: SourceDocument): Problem[] {
  const known = [...MOMENTS, ...EVENT_TYPES];
  if (typeof name !== "string" || known.some((one) => one === name)) return [];
  const hint = formatSuggestion(name, known);
  return hint === "" ? [] : [document.problem("unknown-name", path, `no such moment or event type${hint}`)];
}

function checkMapping(value: unknown, path: Path, namespaces: readonly string[], document: SourceDocument): Problem[] {
  const mapping = asMap(value);
  return [
    ...checkMappedNamespaces(mapping, path, namespaces, document),
    ...(mapping["format"] === "csv"
      ? checkColumns(mapping, path, document)
      : checkPayloadMapping(mapping, path, document)),
  ];
}

function checkMappedNamespaces(
  mapping: Record<string, unknown>,
  path: Path,
  namespaces: readonly string[],
  document: SourceDocument,
): Problem[] {
  return asList(mapping["identifiers"]).flatMap((entry, index) => {
    const name = asMap(entry)["namespace"];
    if (typeof name !== "string" || namespaces.includes(name)) return [];
    return [unknownNamespace(name, [...path, "identifiers", index, "namespace"], namespaces, document)];
  });
}

function checkPayloadMapping(mapping: Record<string, unknown>, path: Path, document: SourceDocument): Problem[] {
  const problems: Problem[] = [];
  for (const [at, part] of walk(mapping, path)) {
    for (const [key, type] of [
      ["cel", "string"],
      ["when", "bool"],
    ] as const) {
      const expression = asMap(part)[key];
      const found = typeof expression === "string" ? checkPayloadField(expression, type) : undefined;
      if (found) problems.push(document.problemInside(found.code, [...at, key], found.message, found.position));
    }
  }
  return problems;
}

function checkColumns(mapping: Record<string, unknown>, path: Path, document: SourceDocument): Problem[] {
  const columns = asList(mapping["columns"]).filter((column) => typeof column === "string");
  const problems: Problem[] = [];
  const needColumn = (name: unknown, at: Path) => {
    if (typeof name !== "string" || columns.includes(name)) return;
    problems.push(
      document.problem(
        "unknown-name",
        at,
        `no such column${formatSuggestion(name, columns)}; \`columns\` does not list it`,
      ),
    );
  };
  for (const [index, name] of asList(mapping["groupBy"]).entries()) needColumn(name, [...path, "groupBy", index]);
  for (const [at, part] of walk(mapping, path)) {
    const field = asMap(part);
    needColumn(field["column"], [...at, "column"]);
    if (typeof field["cel"] !== "string") continue;
    const found = checkField(field["cel"], columns);
    if (found) problems.push(document.problemInside(found.code, [...at, "cel"], found.message, found.position));
  }
  return problems;
}

/** Fields of a contract are fields of an event; and an event without any identifier would be nobody's. */
function checkContract(
  source: Record<string, unknown>,
  path: Path,
  namespaces: readonly string[],
  document: SourceDocument,
): Problem[] {
  const allowed = asList(source["allowedFields"]).map(
    (field, index) => [field, [...path, "allowedFields", index]] as const,
  );
  const bases = Object.keys(asMap(source["legalBasisByField"]));
  const lawful = bases.map((field) => [field, [...path, "legalBasisByField", field]] as const);
  const problems = [...allowed, ...lawful].flatMap(([field, at], index): Problem[] => {
    const isLawful = index >= allowed.length;
    const [part = "", ...entry] = String(field).split(".");
    if (isLawful && part === "identifiers") {
      const name = entry.join(".");
      return entry.length === 0 || namespaces.includes(name) ? [] : [unknownNamespace(name, at, namespaces, document)];
    }
    const names = isLawful ? ["identifiers", ...PARTS] : PARTS;
    const hasEntries = PARTS_WITH_ENTRIES.some((name) => name === part);
    if (PARTS.some((name) => name === part) && (entry.length === 0 || hasEntries)) return [];
    const hint = PARTS.some((name) => name === part)
      ? `; of ${PARTS_WITH_ENTRIES.join(" and ")} alone entries are named`
      : formatSuggestion(part, names);
    return [document.problemWithKey("unknown-name", at, `no such field${hint}`)];
  });
  const namesNobody = bases.length > 0 && !bases.some((field) => field.split(".")[0] === "identifiers");
  if (namesNobody)
    problems.push(
      document.problem(
        "missing-key",
        [...path, "legalBasisByField"],
        "expected `identifiers`, or `identifiers.<namespace>`, among them: an event that names nobody is refused",
      ),
    );
  return problems;
}

/** Fields that a contract or a mapping names, each with where it stands. */
function listDeclared(source: Record<string, unknown>, path: Path): (readonly [string, Path])[] {
  const mapping = asMap(source["mapping"]);
  const entries = PARTS_WITH_ENTRIES.flatMap((part) =>
    Object.keys(asMap(mapping[part])).map((name) => [`${part}.${name}`, [...path, "mapping", part, name]] as const),
  );
  const identifiers = asList(mapping["identifiers"]).map(
    (one, index) =>
      [
        `identifiers.${String(asMap(one)["namespace"])}`,
        [...path, "mapping", "identifiers", index, "namespace"],
      ] as const,
  );
  return [
    ...asList(source["allowedFields"]).map((field, at) => [String(field), [...path, "allowedFields", at]] as const),
    ...Object.keys(asMap(source["legalBasisByField"])).map(
      (field) => [field, [...path, "legalBasisByField", field]] as const,
    ),
    ...entries,
    ...identifiers,
  ];
}

function checkNamespaces(
  value: unknown,
  path: Path,
  namespaces: readonly string[],
  document: SourceDocument,
): Problem[] {
  const unknown = Object.keys(asMap(value)).filter((name) => name !== "*" && !namespaces.includes(name));
  return unknown.map((name) => unknownNamespace(name, [...path, name], namespaces, document));
}

function unknownNamespace(name: string, path: Path, namespaces: readonly string[], document: SourceDocument): Problem {
  return document.problemWithKey(
    "unknown-name",
    path,
    `no such namespace${formatSuggestion(name, namespaces)}; declared are ${namespaces.join(", ")}`,
  );
}

function checkLimits(namespaces: readonly Record<string, unknown>[], document: SourceDocument): Problem[] {
  return namespaces.flatMap(({ valuesMax, kind }, index) =>
    valuesMax === undefined || kind === "personal" || kind === "device"
      ? []
      : [
          document.problem(
            "wrong-value",
            ["namespaces", index, "valuesMax"],
            "expected a namespace of kind personal or device: of a unique one a person has one value anyway, and others belong to nobody",
          ),
        ],
  );
}

/** A digest and its value are one identifier, so they are of one kind, and no digest is made of a digest. */
function checkDigests(namespaces: readonly Record<string, unknown>[], document: SourceDocument): Problem[] {
  return namespaces.flatMap((namespace, index) => {
    const { digestOf, kind } = namespace;
    if (typeof digestOf !== "string") return [];
    const plain = namespaces.find(({ name }) => name === digestOf);
    const names = namespaces.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
    const path = ["namespaces", index, "digestOf"];
    if (plain === undefined) return [unknownNamespace(digestOf, path, names, document)];
    if (plain["kind"] === kind && plain["digestOf"] === undefined && plain !== namespace) return [];
    return [
      document.problem("wrong-value", path, "expected another namespace of the same kind that is no digest itself"),
    ];
  });
}

/** Mailboxes are of addresses, which have one each, and nobody is reached by one. */
function checkFolds(namespaces: readonly Record<string, unknown>[], document: SourceDocument): Problem[] {
  return namespaces.flatMap((namespace, index) => {
    const { foldOf, kind, contact, digestOf, valuesMax } = namespace;
    if (typeof foldOf !== "string") return [];
    const names = namespaces.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
    const path = ["namespaces", index, "foldOf"];
    const addresses = namespaces.find(({ name }) => name === foldOf);
    if (addresses === undefined) return [unknownNamespace(foldOf, path, names, document)];
    const isPlain = contact !== true && digestOf === undefined && valuesMax === undefined;
    const isOnly = namespaces.every((other) => other === namespace || other["foldOf"] !== foldOf);
    const areAddresses = addresses["normaliser"] === "email" && addresses["foldOf"] === undefined;
    if (kind === "personal" && namespace["normaliser"] === "email" && isPlain && isOnly && areAddresses) return [];
    const expected =
      "expected the one namespace of mailboxes of another one whose normaliser is email: of kind personal, with that normaliser, without contact, digestOf and valuesMax";
    return [document.problem("wrong-value", path, expected)];
  });
}

/** The topic decides the source, so each belongs to one, and none is a topic that Weft itself writes. */
function checkTopics(root: Record<string, unknown>, document: SourceDocument): Problem[] {
  const prefix = asMap(root["kafka"])["topicPrefix"] ?? "";
  if (typeof prefix !== "string") return [];
  const taken = new Map(Object.values(nameTopics(prefix)).map((topic) => [topic, "Weft itself writes"]));
  return asList(root["sources"]).flatMap((entry, index) => {
    const { name, topic: given } = asMap(entry);
    const topic = given ?? `${prefix}channel-${String(name)}`;
    if (typeof topic !== "string" || typeof name !== "string") return [];
    const other = taken.get(topic);
    if (other === undefined) taken.set(topic, `sources[${index}] has`);
    // Of two sources with one name, the name is the problem.
    if (other === undefined || (given === undefined && other.startsWith("sources"))) return [];
    return [
      document.problem("duplicate-name", ["sources", index, "topic"], `expected a topic of its own; ${other} ${topic}`),
    ];
  });
}

function checkSlots(engine: Record<string, unknown>, document: SourceDocument): Problem[] {
  const { shards = 64, stitchSlots = 8 } = engine;
  if (typeof shards !== "number" || typeof stitchSlots !== "number" || shards % stitchSlots === 0) return [];
  const key = engine["stitchSlots"] === undefined ? "shards" : "stitchSlots";
  return [document.problem("wrong-value", ["engine", key], `expected stitchSlots to divide shards (${shards})`)];
}

function findDuplicates(list: unknown, key: string, path: Path, what: string, document: SourceDocument): Problem[] {
  const seen = new Map<unknown, number>();
  return asList(list).flatMap((entry, index) => {
    const name = asMap(entry)[key];
    if (typeof name !== "string") return [];
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index);
    return first === undefined
      ? []
      : [
          document.problem(
            "duplicate-name",
            [...path, index, key],
            `${what} "${name}" is already ${path.join(".")}[${first}]`,
          ),
        ];
  });
}

function* walk(value: unknown, path: Path): Generator<[Path, unknown]> {
  if (typeof value !== "object" || value === null) return;
  yield [path, value];
  for (const [key, part] of Object.entries(value))
    yield* walk(part, [...path, Array.isArray(value) ? Number(key) : key]);
}

function listNames(list: unknown, key: string): string[] {
  return asList(list)
    .map((entry) => asMap(entry)[key])
    .filter((name) => typeof name === "string");
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asMap(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
