// The rules of the house that a machine can keep. Each rule is a function from text to findings, tried first on a
// sample that breaks it: a rule that sees nothing would pass as well as a clean house.

import assert from "node:assert/strict";
import { basename, dirname, join, posix } from "node:path";
import { test } from "node:test";
import { FAILPOINTS, plantFailpoint } from "./chaos/failpoints.ts";
import type { Import } from "./support/source.ts";
import { listFiles, readImports, readSource, stripComments } from "./support/source.ts";

const FILES = listFiles();
const SERVICE_FILES = FILES.filter((path) => /^services\/.*\.ts$/.test(path));
const CODE_FILES = FILES.filter((path) => /^(services|infra|test)\/.*\.[jt]s$/.test(path));
const CORE_FILES = SERVICE_FILES.filter((path) => path.startsWith("services/core/"));
const TEST_FILES = CODE_FILES.filter((path) => path.startsWith("test/"));

/** Pure, synchronous, deterministic: no clock, no dice, no I/O when called as the core calls them. */
const CORE_LIBRARIES = ["@marcbachmann/cel-js", "avsc", "i18n-iso-countries", "libphonenumber-js", "validator", "zod"];

/** Beside the folders with a main.ts: parts that run inside another process, or that compose processes. */
const PROCESSES = new Set(["api", "cli", "console", "fold", "resolver", "stitcher"]);
/** The command starts every process, the fold runs them over one memory; nobody else may reach into another's folder. */
const PROCESS_BORROWERS = new Set(["cli", "fold"]);

const ROOT_FILES = [
  "LICENSE",
  "README.md",
  "biome.json",
  "knip.json",
  "package-lock.json",
  "package.json",
  "tsconfig.json",
];
const ROOT_FOLDERS = ["infra", "schemas", "services", "test"];

interface Manifest {
  readonly imports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const MANIFEST = JSON.parse(readSource("package.json")) as Manifest;

/** Where an import leads: a path from the root, or null for a package and for Node's own modules. */
function resolveImport(fromPath: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(fromPath), specifier);
  if (!specifier.startsWith("#")) return null;
  for (const [pattern, target] of Object.entries(MANIFEST.imports)) {
    const prefix = pattern.slice(0, -1);
    if (specifier.startsWith(prefix)) return posix.normalize(target.slice(0, -1) + specifier.slice(prefix.length));
  }
  return `unresolved/${specifier}`;
}

function packageOf(specifier: string): string | null {
  if (/^(\.|#|node:)/.test(specifier)) return null;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

type Room = "core" | "ports" | "adapter" | "local" | "library" | "process" | "schemas" | "manifest" | "outside";

interface Place {
  readonly room: Room;
  /** The folder that may be imported from inside the same room. */
  readonly folder: string;
}

function placeOf(path: string): Place {
  const [top, second, third] = path.split("/");
  if (top === "schemas") return { room: "schemas", folder: "schemas" };
  if (path === "package.json") return { room: "manifest", folder: path };
  if (top !== "services" || second === undefined) return { room: "outside", folder: top ?? "" };
  if (second === "core" || second === "ports") return { room: second, folder: second };
  if (second === "adapters") return { room: third === "local" ? "local" : "adapter", folder: `adapters/${third}` };
  const isProcess = PROCESSES.has(second) || FILES.includes(`services/${second}/main.ts`);
  return { room: isProcess ? "process" : "library", folder: second };
}

/**
 * Adapters never import each other, so that each can be taken away alone. One allowance: these two are both a log inside
 * one process, and what that takes stands once, in `adapters/local`, which is no outside thing that one could choose.
 */
const LOCAL_BORROWERS = new Set(["adapters/embedded", "adapters/memory"]);

/** core <- ports <- adapters <- processes; libraries stand beside the adapters and choose none. */
const MAY_IMPORT: Readonly<Record<Room, readonly Room[]>> = {
  core: [],
  ports: ["core"],
  adapter: ["core", "ports", "schemas"],
  local: ["core", "ports"],
  library: ["core", "ports", "library", "schemas"],
  // The manifest for the version that it tells.
  process: ["core", "ports", "adapter", "library", "schemas", "manifest"],
  schemas: [],
  manifest: [],
  outside: [],
};

function findWrongImports(path: string, imports: readonly Import[]): string[] {
  const from = placeOf(path);
  return imports.flatMap(({ specifier, isType }) => {
    const target = resolveImport(path, specifier);
    if (target === null) {
      const library = packageOf(specifier);
      const isWrong =
        (from.room === "core" && (library === null || !CORE_LIBRARIES.includes(library))) ||
        (from.room === "ports" && !isType);
      return isWrong ? [`${path}: ${from.room} imports ${specifier}`] : [];
    }
    const to = placeOf(target);
    if (to.folder === from.folder) return [];
    if (from.room === "process" && to.room === "process" && PROCESS_BORROWERS.has(from.folder)) return [];
    if (to.room === "local" && LOCAL_BORROWERS.has(from.folder)) return [];
    if (!MAY_IMPORT[from.room].includes(to.room)) return [`${path}: ${from.folder} imports ${to.folder}`];
    if (from.room === "ports" && !isType) return [`${path}: ports import more than types of ${to.folder}`];
    return [];
  });
}

test("dependence points one way: core <- ports <- adapters <- processes", () => {
  const value = (specifier: string): Import[] => [{ specifier, isType: false }];
  assert.deepEqual(
    [
      findWrongImports("services/core/a.ts", value("node:fs")),
      findWrongImports("services/core/a.ts", value("kafkajs")),
      findWrongImports("services/core/a.ts", value("#ports/log.ts")),
      findWrongImports("services/ports/a.ts", value("#core/event.ts")),
      findWrongImports("services/adapters/redis/a.ts", value("../memory/store.ts")),
      findWrongImports("services/adapters/memory/a.ts", value("../embedded/database.ts")),
      findWrongImports("services/adapters/kafka/a.ts", value("../local/bell.ts")),
      findWrongImports("services/adapters/local/a.ts", value("../memory/log.ts")),
      findWrongImports("services/wire/a.ts", value("#adapters/local/bell.ts")),
      findWrongImports("services/cli/a.ts", value("#adapters/local/bell.ts")),
      findWrongImports("services/adapters/redis/a.ts", value("#services/config/document.ts")),
      findWrongImports("services/resolver/a.ts", value("#services/stitcher/loop.ts")),
      findWrongImports("services/resolver/a.ts", value("../../test/support/services.ts")),
    ].map((found) => found.length),
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  );
  assert.deepEqual(
    [
      findWrongImports("services/core/a.ts", value("./event.ts")),
      findWrongImports("services/core/a.ts", value("libphonenumber-js/max")),
      findWrongImports("services/ports/a.ts", [{ specifier: "#core/event.ts", isType: true }]),
      findWrongImports("services/adapters/redis/a.ts", value("#ports/store.ts")),
      findWrongImports("services/adapters/memory/a.ts", value("../local/bell.ts")),
      findWrongImports("services/adapters/embedded/a.ts", value("../local/bell.ts")),
      findWrongImports("services/cli/main.ts", value("#services/stitcher/loop.ts")),
    ].flat(),
    [],
  );
  assert.deepEqual(
    SERVICE_FILES.flatMap((path) => findWrongImports(path, readImports(readSource(path)))),
    [],
  );
});

test("what runs in production imports only what production installs", () => {
  const known = new Set(Object.keys(MANIFEST.dependencies));
  const unknown = SERVICE_FILES.flatMap((path) =>
    readImports(readSource(path))
      .filter(({ isType }) => !isType)
      .map(({ specifier }) => packageOf(specifier))
      .filter((name) => name !== null && !known.has(name))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(unknown, []);
});

test("infra stands alone: nothing there needs the product or the tests", () => {
  const found = CODE_FILES.filter((path) => path.startsWith("infra/")).flatMap((path) =>
    readImports(readSource(path))
      .map(({ specifier }) => resolveImport(path, specifier))
      .filter((target) => target !== null && !target.startsWith("infra/"))
      .map((target) => `${path}: ${target}`),
  );
  assert.deepEqual(found, []);
});

function findBareExtensions(path: string, imports: readonly Import[]): string[] {
  return imports
    .filter(({ specifier }) => /^[.#]/.test(specifier) && !/\.(ts|js|json)$/.test(specifier))
    .map(({ specifier }) => `${path}: ${specifier}`);
}

test("every import of a file of ours carries its ending", () => {
  assert.equal(findBareExtensions("a.ts", [{ specifier: "./event", isType: true }]).length, 1);
  assert.deepEqual(
    CODE_FILES.flatMap((path) => findBareExtensions(path, readImports(readSource(path)))),
    [],
  );
});

const IMPURITIES: readonly (readonly [string, RegExp])[] = [
  ["clock", /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\b/],
  ["dice", /\bMath\.random\b|\bcrypto\b/],
  ["promises", /\basync\b|\bawait\b|\bPromise\b/],
  ["surroundings", /\bprocess\.|\bglobalThis\b|\bconsole\./],
];

function findImpurities(path: string, text: string): string[] {
  const code = stripComments(text, { strings: false });
  return code
    .split("\n")
    .flatMap((line, index) =>
      IMPURITIES.filter(([, pattern]) => pattern.test(line)).map(([name]) => `${path}:${index + 1}: ${name}`),
    );
}

test("the core knows no clock, no dice, no promises and no surroundings", () => {
  const sample = [
    "const at = Date.now();",
    "const now = new Date();",
    "const dice = Math.random();",
    "export async function f() {}",
    "const home = process.env;",
    "const text = `${Date.now()}`;",
  ];
  assert.equal(findImpurities("sample.ts", sample.join("\n")).length, sample.length);
  const pure = ["// Date.now() is forbidden", 'const at = new Date(atMs); const word = "await";', "const r = /async/;"];
  assert.deepEqual(findImpurities("sample.ts", pure.join("\n")), []);
  assert.deepEqual(
    CORE_FILES.flatMap((path) => findImpurities(path, readSource(path))),
    [],
  );
});

// Written so that this file does not hold what it looks for.
const FORBIDDEN_IN_TESTS: readonly (readonly [string, RegExp])[] = [
  ["runs one test alone", /\b(test|it|describe|suite)\.o[n]ly\(|\bo[n]ly:\s*true/],
  ["skips without a reason", /\.s[k]ip\(\s*\)|\b(test|it|describe|suite)\.s[k]ip\(|\bs[k]ip:\s*true/],
  ["postpones", /\.t[o]do\(|\bt[o]do:\s*true/],
];

function findForbiddenInTests(path: string, text: string): string[] {
  const code = stripComments(text, { strings: true });
  return FORBIDDEN_IN_TESTS.filter(([, pattern]) => pattern.test(code)).map(([name]) => `${path}: ${name}`);
}

test("no test runs alone, and none is skipped without a printed reason", () => {
  const bad = [
    "test.o_nly('a')",
    "t.s_kip()",
    "test.s_kip('a', f)",
    "test('a', { s_kip: true }, f)",
    "test.t_odo('a')",
  ];
  for (const sample of bad) assert.equal(findForbiddenInTests("a", sample.replace("_", "")).length, 1, sample);
  assert.deepEqual(findForbiddenInTests("a", "t.skip(reason); context.skip('no older Node here');"), []);
  assert.deepEqual(
    TEST_FILES.flatMap((path) => findForbiddenInTests(path, readSource(path))),
    [],
  );
});

const FOLDER_MAKER = "test/support/folder.ts";

function findOwnFolders(path: string, text: string): string[] {
  const isOwn = /\bmkdtemp(Sync)?\b/.test(stripComments(text, { strings: false }));
  return isOwn && path !== FOLDER_MAKER ? [path] : [];
}

test("every folder of a test is made by test/support/folder.ts, which removes it", () => {
  for (const call of ["mkdtempSync(a)", "await mkdtemp(a)"]) {
    assert.equal(findOwnFolders("a", call).length, 1, call);
    assert.deepEqual(findOwnFolders(FOLDER_MAKER, call), []);
  }
  assert.deepEqual(findOwnFolders("a", 'const folder = makeFolder("a"); // as mkdtempSync does'), []);
  assert.deepEqual(
    TEST_FILES.flatMap((path) => findOwnFolders(path, readSource(path))),
    [],
  );
});

/** Calls of the property runner that say for themselves how often, and so draw anew on a build machine too. */
function findLooseProperties(path: string, text: string): string[] {
  const [, ...calls] = stripComments(text, { strings: true }).split(/\bfc\.assert(?=\()/);
  return calls.filter((call) => !/\bruns\(/.test(readParentheses(call))).map(() => path);
}

/** text, which begins with a parenthesis, up to the one that closes it. */
function readParentheses(text: string): string {
  let depth = 0;
  for (const { 0: sign, index } of text.matchAll(/[()]/g)) {
    depth += sign === "(" ? 1 : -1;
    if (depth === 0) return text.slice(0, index);
  }
  return text;
}

test("every property is run as often, and drawn from the seed, as test/support/property.ts says", () => {
  const loose = ["(fc.property(a, (b) => f(b)));", "(p, { numRuns: 5 });\nruns(9);"]
    .map((call) => `fc.assert${call}`)
    .join("\n");
  assert.equal(findLooseProperties("a", loose).length, 2);
  assert.deepEqual(findLooseProperties("a", loose.replaceAll(");", ", runs(2_000));")), []);
  assert.deepEqual(
    TEST_FILES.flatMap((path) => findLooseProperties(path, readSource(path))),
    [],
  );
});

const SYNTAX: readonly (readonly [string, RegExp])[] = [
  ["enum", /^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s+\w+\s*\{/m],
  ["namespace", /^\s*(export\s+)?(declare\s+)?(namespace|module)\s+[\w.]+\s*\{/m],
];

function findSyntax(path: string, text: string): string[] {
  const code = stripComments(text, { strings: false });
  return SYNTAX.filter(([, pattern]) => pattern.test(code)).map(([name]) => `${path}: ${name}`);
}

test("types can be erased: no enum and no namespace", () => {
  assert.equal(findSyntax("a", "export const enum Kind { A }").length, 1);
  assert.equal(findSyntax("a", "export namespace Kinds { }").length, 1);
  assert.deepEqual(
    CODE_FILES.flatMap((path) => findSyntax(path, readSource(path))),
    [],
  );
});

const UNWANTED_TEXT: readonly (readonly [string, RegExp])[] = [
  ["postponed work", /\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b/],
  ["a path of one machine", /(^|[\s"'`(=:])\/(w[o]rk|r[o]ot|f[a]rm|h[o]me\/\w+|Us[e]rs\/\w+)\/|\/tmp\/b[a]sh_jobs/],
];

function findUnwantedText(path: string, text: string): string[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      UNWANTED_TEXT.filter(([, pattern]) => pattern.test(line)).map(([name]) => `${path}:${index + 1}: ${name}`),
    );
}

test("no file postpones work or names a path of one machine", () => {
  const bad = ["// TO_DO: later", "// FIX_ME", 'open("/wo_rk/main")', "cd /ro_ot/x", "/tmp/bash__jobs"];
  for (const sample of bad) assert.equal(findUnwantedText("a", sample.replace("_", "")).length, 1, sample);
  assert.deepEqual(findUnwantedText("a", "https://example.org/work/ and ./work/x and artwork/"), []);
  const text = FILES.filter((path) => !/(^|\/)package-lock\.json$|\.(png|gz|sqlite|lz4|snappy|ico)$/.test(path));
  assert.deepEqual(
    text.flatMap((path) => findUnwantedText(path, readSource(path))),
    [],
  );
});

/** The closed lists of the core: what an operator may see as a reason, a cause, a kind or an outcome. */
function readClosedLists(text: string): { name: string; literals: string[] }[] {
  const code = stripComments(text, { strings: true });
  const lists = code.matchAll(
    /export const ((?:[A-Z_]+_(?:REASONS|CODES|KINDS|CAUSES))|OUTCOMES)\b[^=]*=\s*\[([^\]]*)\]/g,
  );
  return [...lists].map((match) => ({
    name: match[1] ?? "",
    literals: [...(match[2] ?? "").matchAll(/"([^"]+)"/g)].map((literal) => literal[1] ?? ""),
  }));
}

test("every reason, code, kind, cause and outcome of the core stands in its specification", () => {
  assert.deepEqual(readClosedLists('export const TRANSITION_CAUSES = [\n  "event", // why\n  "time",\n] as const;'), [
    { name: "TRANSITION_CAUSES", literals: ["event", "time"] },
  ]);
  const lists = CORE_FILES.flatMap((path) => readClosedLists(readSource(path)).map((list) => ({ ...list, path })));
  if (lists.length === 0) return;
  const path = "services/core/SPEC.md";
  assert.ok(
    FILES.includes(path),
    `${path} is missing, and the core has ${lists.length} closed lists to be explained there`,
  );
  const specification = readSource(path);
  const missing = lists.flatMap((list) =>
    list.literals
      .filter((literal) => !specification.includes(`\`${literal}\``))
      .map((literal) => `${list.path}: ${list.name} has ${literal}`),
  );
  assert.deepEqual(missing, []);
});

test("every place at which a process can be made to die is in the code, once", () => {
  for (const [name, failpoint] of Object.entries(FAILPOINTS))
    assert.doesNotThrow(() => plantFailpoint(readSource(failpoint.file), failpoint), name);
});

test("a schema's file is named after its record", () => {
  for (const path of FILES.filter((file) => /^schemas\/.*\.avsc$/.test(file))) {
    const schema = JSON.parse(readSource(path)) as { type?: unknown; name?: unknown; namespace?: unknown };
    assert.equal(schema.type, "record", path);
    assert.equal(schema.name, basename(path, ".avsc"), path);
    assert.equal(schema.namespace, "dev.weft", path);
    assert.equal(dirname(path), "schemas", path);
  }
});

test("the root holds the agreed files and folders", () => {
  const unexpected = FILES.filter((path) => {
    const [top = "", ...rest] = path.split("/");
    if (top.startsWith(".")) return false;
    return !(rest.length === 0 ? ROOT_FILES : ROOT_FOLDERS).includes(top);
  });
  assert.deepEqual(unexpected, []);
});

test("a file is named in small letters and dashes", () => {
  const wrongNames = CODE_FILES.filter((path) => !/^[a-z0-9]+([.-][a-z0-9]+)*\.[jt]s$/.test(basename(path)));
  assert.deepEqual(wrongNames, []);
});

test("the scanner tells code from comments, strings, templates and regular expressions", () => {
  const text = 'a("//x", `${b /* c */} "d`, /["\'`]/); // e\nf';
  assert.equal(stripComments(text, { strings: true }), 'a("//x", `${b        } "d`, /["\'`]/);     \nf');
  assert.equal(stripComments(text, { strings: false }).replace(/ +/g, " "), "a( , b , ); \nf");
  assert.deepEqual(
    readImports('import type { A } from "./a.ts";\nimport {\n  b,\n} from "#core/b.ts";\nimport "c";\n// import "d";'),
    [
      { specifier: "./a.ts", isType: true },
      { specifier: "#core/b.ts", isType: false },
      { specifier: "c", isType: false },
    ],
  );
  assert.ok(CODE_FILES.includes(join("test", "house.test.ts")));
});
