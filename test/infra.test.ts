// Containers, read rather than run: what must hold of compose.yaml and Dockerfile on every machine, Docker or not.
// Then the two promises of the native services that need none of them: a lock has one holder, and nobody else's process is ended.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { parse } from "yaml";
import { DRAIN_MS } from "#services/api/closing.ts";
import { createProgram } from "#services/cli/program.ts";
import { CLOSE_MS } from "#services/cli/until-stopped.ts";
import { explainKeys } from "#services/config/explanation.ts";
import { makeFolder } from "#support/folder.ts";
import { withLock } from "../infra/lock.ts";
import { endProcess, identifySelf, isAlive, startDetached } from "../infra/process.ts";
import { REDIS_SETTINGS } from "../infra/redis.ts";
import { REGISTRY_PATH } from "../infra/registry.ts";
import { KAFKA_IMAGE, REDIS_IMAGE, REDIS_IMAGE_VERSION, REDIS_MAJOR, REGISTRY_IMAGE } from "../infra/versions.ts";

interface ComposeService {
  readonly image: string;
  readonly user?: string;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ports?: readonly unknown[];
  readonly networks?: readonly string[];
  readonly network_mode?: string;
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly mem_limit?: string;
  readonly stop_grace_period?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

const ROOT = join(import.meta.dirname, "..");

function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

interface Package {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function readPackage(): Package {
  return JSON.parse(readText("package.json")) as Package;
}

interface LockedPackage {
  /** Where the folder has another name. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

/** What the lock file has, by the folder that it is put into. */
function readLock(): [string, LockedPackage][] {
  const { packages } = JSON.parse(readText("package-lock.json")) as { packages: Record<string, LockedPackage> };
  return Object.entries(packages).filter(([path]) => path !== "");
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

/** `merge` reads the `<<` keys as Docker does. */
const compose = parse(readText("infra/compose.yaml"), { merge: true }) as Compose;
const services = Object.entries(compose.services);

function findService(name: string): ComposeService {
  const service = compose.services[name];
  assert.ok(service, `compose.yaml has no service ${name}`);
  return service;
}

function parseDockerfile(text: string): Instruction[] {
  return text
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ name: (line.split(/\s+/)[0] ?? "").toUpperCase(), rest: line.replace(/^\S+\s*/, "") }));
}

const dockerfile = parseDockerfile(readText("infra/Dockerfile"));
const lastStage = dockerfile.slice(dockerfile.findLastIndex((instruction) => instruction.name === "FROM"));

function findInstruction(name: string): string {
  const instruction = lastStage.findLast((candidate) => candidate.name === name);
  assert.ok(instruction, `the last stage of the Dockerfile has no ${name}`);
  return instruction.rest;
}

test("the containers run the versions that the native services run", () => {
  assert.equal(findService("kafka").image, KAFKA_IMAGE);
  assert.equal(findService("registry").image, REGISTRY_IMAGE);
  assert.equal(findService("redis").image, REDIS_IMAGE);
  assert.equal(Number(REDIS_IMAGE_VERSION.split(".")[0]), REDIS_MAJOR);
  assert.equal(findService("weft").image, `weft:${readPackage().version}`);
});

test("every image is named with an exact version", () => {
  const bases = dockerfile.filter(({ name }) => name === "FROM").map(({ rest }) => rest.split(/\s+/)[0] ?? "");
  for (const image of [...services.map(([, service]) => service.image), ...bases]) {
    assert.match(image, /:\d+\.\d+\.\d+/, image);
  }
});

test("the image runs the Node that the repository runs", () => {
  const { optionalDependencies } = readPackage();
  const brought = Object.entries(optionalDependencies).filter(([name]) => /^node-(linux|win)-/.test(name));
  assert.ok(brought.length > 0);
  for (const { name, rest } of dockerfile) {
    if (name !== "FROM") continue;
    for (const [, node] of brought) assert.ok(rest.startsWith(`node:${node}-slim`), rest);
  }
});

test("nothing runs with more rights than it needs", () => {
  for (const [name, service] of services) {
    assert.equal(service.read_only, true, `${name}: read_only`);
    assert.deepEqual(service.cap_drop, ["ALL"], `${name}: cap_drop`);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"], `${name}: security_opt`);
    assert.notEqual(service.privileged, true, `${name}: privileged`);
    assert.ok(service.mem_limit, `${name}: mem_limit`);
    for (const volume of service.volumes ?? []) {
      const source = volume.split(":")[0] ?? "";
      assert.ok(source in compose.volumes, `${name} mounts ${source}, which is no named volume`);
    }
  }
  // The one that hands over a volume is root for one chown: it ends by itself and reaches no network.
  const exceptional = services.filter(([, service]) => service.cap_add !== undefined || service.user?.startsWith("0"));
  assert.deepEqual(
    exceptional.map(([name]) => name),
    ["registry-volume"],
  );
  const volume = findService("registry-volume");
  assert.deepEqual([volume.cap_add, volume.network_mode, volume.restart], [["CHOWN"], "none", "no"]);
  assert.deepEqual(volume.entrypoint, ["chown", findService("registry").user, "/data"]);
});

test("ports are published on this machine alone", () => {
  for (const [name, service] of services) {
    for (const port of service.ports ?? []) assert.match(String(port), /^127\.0\.0\.1:\d+:\d+$/, name);
    assert.notEqual(service.network_mode, "host", name);
  }
});

test("what is published is where the configuration looks without being told", () => {
  const byDefault = (key: string) => explainKeys().find((one) => one.key === key)?.default;
  const published = (name: string) => String(findService(name).ports?.[0]).replace(/:\d+$/, "");
  assert.deepEqual(byDefault("kafka.brokers"), [published("kafka")]);
  assert.equal(byDefault("registry.url"), `http://${published("registry")}${REGISTRY_PATH}`);
});

test("Redis is reached by Weft alone and keeps what it acknowledges", () => {
  const redis = findService("redis");
  assert.equal(redis.ports, undefined);
  assert.deepEqual(redis.networks, ["store"]);
  assert.equal(compose.networks["store"]?.internal, true);
  const members = services.filter(([, service]) => service.networks?.includes("store")).map(([name]) => name);
  assert.deepEqual(members.toSorted(), ["redis", "weft"]);
  const command = redis.command ?? [];
  for (const [setting, value] of REDIS_SETTINGS) {
    assert.equal(command[command.indexOf(`--${setting}`) + 1], value, setting);
  }
});

test("the registry keeps its schemas in a volume, written at every commit", () => {
  const registry = findService("registry");
  const url = registry.environment?.["REGISTRY_DATASOURCE_URL"] ?? "";
  const [, directory] = /^jdbc:h2:file:(\/.+)\/registry;WRITE_DELAY=0$/.exec(url) ?? [];
  assert.ok(registry.volumes?.includes(`registry-data:${directory}`), url);
});

test("what a process may keep is less than what its container may, by a quarter or more", () => {
  const gigabytes = (name: string) => Number(/^(\d+)g$/.exec(findService(name).mem_limit ?? "")?.[1]);
  const { NODE_OPTIONS: node = "" } = findService("weft").environment ?? {};
  const { KAFKA_HEAP_OPTS: java = "" } = findService("kafka").environment ?? {};
  const redis = findService("redis").command?.join(" ") ?? "";
  const kept = {
    weft: Number(/^--max-old-space-size=(\d+)$/.exec(node)?.[1]) / 1024,
    kafka: Number(/^-Xmx(\d+)g$/.exec(java)?.[1]),
    redis: Number(/ --maxmemory (\d+)gb$/.exec(redis)?.[1]),
  };
  for (const [name, own] of Object.entries(kept)) assert.ok(own <= 0.75 * gigabytes(name), `${name}: ${own} GiB`);
});

test("whoever writes is given longer to end than it takes", () => {
  const seconds = (name: string) => Number(/^(\d+)s$/.exec(findService(name).stop_grace_period ?? "")?.[1]);
  assert.ok(seconds("weft") * 1000 > DRAIN_MS + CLOSE_MS);
  for (const name of ["kafka", "redis"]) assert.ok(seconds(name) > 10, `${name}: no more than Docker's own`);
});

test("every service that Weft waits for says whether it is well, without a shell", () => {
  for (const [name, service] of services) {
    if (service.restart === "no" || name === "weft") continue;
    assert.equal(service.healthcheck?.test[0], "CMD", name);
  }
  const { depends_on: needs, environment, healthcheck } = findService("weft");
  assert.equal(healthcheck, undefined, "no verb tells whether `up` is well");
  for (const name of ["kafka", "registry", "redis"]) assert.equal(needs?.[name]?.condition, "service_healthy", name);
  assert.equal(environment?.["WEFT_REGISTRY_URL"], `http://registry:8080${REGISTRY_PATH}`);
  const advertised = findService("kafka").environment?.["KAFKA_ADVERTISED_LISTENERS"] ?? "";
  assert.ok(advertised.includes(`://${environment["WEFT_KAFKA_BROKERS"]}`), advertised);
});

test("compose builds the Dockerfile of this repository and runs `up`", () => {
  const weft = findService("weft");
  assert.deepEqual(weft.command, ["--dev", "up"]);
  assert.ok(createProgram().commands.some((verb) => verb.name() === "up"));
  const { context, dockerfile: file } = weft.build ?? { context: "", dockerfile: "" };
  assert.ok(existsSync(join(ROOT, "infra", context, file)));
});

test("no secret is written into a file of the repository", () => {
  for (const [name, service] of services) {
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      assert.doesNotMatch(variable, /PASSWORD|SECRET|TOKEN|CREDENTIAL/i, name);
      assert.doesNotMatch(value, /\/\/[^/\s]*@/, `${name}: ${variable} holds a password`);
    }
  }
});

test("the image runs as a user without rights, and node itself receives the signals", () => {
  assert.equal(findInstruction("USER"), "10001:10001");
  const entrypoint = JSON.parse(findInstruction("ENTRYPOINT")) as string[];
  assert.deepEqual(entrypoint, ["node", "services/cli/main.ts"]);
  assert.deepEqual(JSON.parse(findInstruction("CMD")), ["up"]);
  assert.equal(findInstruction("STOPSIGNAL"), "SIGTERM");
  // After the user is set nothing is copied or run: all files belong to root.
  const afterUser = lastStage.slice(lastStage.findLastIndex(({ name }) => name === "USER") + 1).map(({ name }) => name);
  assert.deepEqual(afterUser, ["STOPSIGNAL", "ENTRYPOINT", "CMD"]);
  assert.ok(!lastStage.some(({ name, rest }) => name === "COPY" && rest.includes("--chown")));
});

test("the image holds production dependencies and nothing of the tests", () => {
  const install = dockerfile.filter(({ name }) => name === "RUN").map(({ rest }) => rest);
  assert.equal(install.length, 1);
  assert.match(install[0] ?? "", /^npm ci --omit=dev --ignore-scripts/);
  const copied = dockerfile
    .filter(({ name, rest }) => name === "COPY" && !rest.startsWith("--from="))
    .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1));
  const ignored = readText(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  // Everything is kept out of the context, then exactly what is copied is let in.
  assert.equal(ignored[0], "*");
  assert.deepEqual(ignored.slice(1).toSorted(), [...new Set(copied)].map((path) => `!${path}`).toSorted());
});

/** Beside our own: what may be passed on with a product under Apache 2.0. */
const LICENCES = /^(MIT|Apache-2\.0|MIT OR Apache-2\.0|ISC|0BSD|BSD-[23]-Clause|BlueOak-1\.0\.0|Unlicense)$/;
/** The lock does not say; their own files say MIT. */
const LICENCES_READ = ["@kafkajs/confluent-schema-registry", "buildcheck", "cpu-features", "ssh2"];
/** Those that have a script, and do without its having run. */
const WITH_INSTALL_SCRIPT = ["cpu-features", "protobufjs", "ssh2"];

test("what is installed is named exactly, comes from the registry as it was, and may be passed on", () => {
  const { dependencies, optionalDependencies, devDependencies } = readPackage();
  for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies }))
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is no exact version of the registry's`);
  const locked = readLock();
  assert.ok(locked.length > 300);
  for (const [path, { version, resolved, integrity, link, license }] of locked) {
    assert.match(integrity ?? "", /^sha512-/, path);
    assert.match(version ?? "", /^\d+\.\d+\.\d+/, path);
    assert.ok(link !== true && (resolved === undefined || resolved.startsWith("https://registry.npmjs.org/")), path);
    if (!LICENCES_READ.includes(nameOf(path))) assert.match(license ?? "", LICENCES, path);
  }
  const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => nameOf(path));
  assert.deepEqual([...new Set(scripted)].toSorted(), WITH_INSTALL_SCRIPT);
});

const npm = (folder: string, ...args: readonly string[]) =>
  promisify(execFile)("npm", args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 });

test("npm runs no package's script when it installs in this repository", async (t) => {
  const folder = makeDirectory(t);
  cpSync(join(ROOT, ".npmrc"), join(folder, ".npmrc"));
  const scripted = join(folder, "scripted");
  mkdirSync(scripted);
  const scripts = { preinstall: "touch ran", install: "touch ran", postinstall: "touch ran" };
  writeFileSync(join(scripted, "package.json"), JSON.stringify({ name: "scripted", version: "1.0.0", scripts }));
  await npm(scripted, "pack", "--offline");
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ dependencies: { scripted: "file:scripted/scripted-1.0.0.tgz" } }),
  );
  await npm(folder, "install", "--offline");
  const installed = join(folder, "node_modules/scripted");
  assert.deepEqual([existsSync(join(installed, "package.json")), existsSync(join(installed, "ran"))], [true, false]);
});

test("the list of packages (SBOM) is made without a network: each of the lock file with its hash, and marked where production does without it", async () => {
  const { stdout } = await npm(ROOT, "run", "--silent", "--offline", "sbom");
  const { bomFormat, components } = JSON.parse(stdout) as { readonly bomFormat: string; readonly components: Listed[] };
  assert.equal(bomFormat, "CycloneDX");
  const listed = components.map(({ purl, hashes, properties }) => {
    assert.ok(hashes.length > 0, purl);
    const isForDevelopment = properties.some(({ name }) => name === "cdx:npm:package:development");
    return [decodeURIComponent(purl.replace(/^pkg:npm\//, "")), isForDevelopment] as const;
  });
  // Some stand in several folders, and production may need one of them.
  const wanted = new Map<string, boolean>();
  for (const [path, { name = nameOf(path), version, dev = false }] of readLock())
    wanted.set(`${name}@${version}`, dev && (wanted.get(`${name}@${version}`) ?? true));
  assert.deepEqual(new Map(listed), wanted);
  assert.match(readText(".ci/run"), /^npm run --silent sbom > sbom\.cdx\.json$/m);
});

interface Listed {
  readonly purl: string;
  readonly hashes: readonly unknown[];
  readonly properties: readonly { readonly name: string }[];
}

function makeDirectory(t: TestContext): string {
  const directory = makeFolder("infra");
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test("a lock has one holder at a time, and a holder that died does not keep it", async (t) => {
  const file = join(makeDirectory(t), "lock");
  writeFileSync(file, JSON.stringify({ pid: process.pid, startMark: "an earlier process of this pid" }));
  const runs: string[] = [];
  const hold = async (name: string): Promise<void> =>
    await withLock(file, 5_000, async () => {
      runs.push(`${name} begins`);
      await sleep(20);
      runs.push(`${name} ends`);
    });
  await Promise.all([hold("a"), hold("b"), hold("c")]);
  for (let position = 0; position < 6; position += 2) {
    assert.equal(runs[position + 1], runs[position]?.replace("begins", "ends"));
  }
  assert.ok(!existsSync(file));
  writeFileSync(file, JSON.stringify(identifySelf()));
  await assert.rejects(
    withLock(file, 150, async () => {}),
    /held by another process/,
  );
});

test("a process is ended only if it is the one that was started, not another that got its pid", async (t) => {
  const directory = makeDirectory(t);
  const started = startDetached({
    command: process.execPath,
    arguments: ["-e", "setInterval(() => {}, 1000)"],
    directory,
    logFile: join(directory, "log"),
  });
  assert.ok(isAlive(started));
  await endProcess({ pid: started.pid, startMark: "another start" }, 1_000);
  assert.ok(isAlive(started));
  await endProcess(started, 5_000);
  assert.ok(!isAlive(started));
});
