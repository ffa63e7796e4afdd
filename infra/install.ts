// What the native services need and how it gets here: Java, Maven and Redis from the system's packages, Kafka and the
// registry from Maven Central into a cache. A download appears in the cache by one rename, so a broken one leaves nothing.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { withLock } from "./lock.ts";
import {
  JAVA_MAJOR,
  KAFKA_LOG4J_VERSION,
  KAFKA_SCALA_VERSION,
  KAFKA_VERSION,
  MAVEN_DEPENDENCY_PLUGIN_VERSION,
  REDIS_MAJOR,
  REGISTRY_VERSION,
} from "./versions.ts";

export type Report = (line: string) => void;

/** The machine lacks something and this program may not install it; the message says what and which command helps. */
export class ServicesUnavailable extends Error {
  readonly code = "services-unavailable";
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ServicesUnavailable";
  }
}

export interface Programs {
  readonly java: string;
  readonly redis: string;
  /** Every jar of the broker. */
  readonly kafkaDirectory: string;
  readonly registryDirectory: string;
}

interface Finished {
  readonly exitCode: number;
  readonly output: string;
}

async function runCommand(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return await new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (chunk: Buffer): void => {
      // The end tells why something failed; the middle of a long log does not.
      output = (output + chunk.toString("utf8")).slice(-20_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ exitCode: 127, output: error.message }));
    child.on("close", (code) => resolve({ exitCode: code ?? 1, output }));
  });
}

interface Tool {
  readonly name: string;
  readonly purpose: string;
  /** The first that installs is enough: distributions differ in the Java they carry. */
  readonly debianPackages: readonly string[];
  readonly brewPackage: string;
  find(): Promise<string | null>;
}

async function findJava(): Promise<string | null> {
  const home = process.env["JAVA_HOME"];
  for (const java of [...(home === undefined ? [] : [join(home, "bin", "java")]), "java"]) {
    const { exitCode, output } = await runCommand(java, ["-version"]);
    const major = Number(/version "(\d+)/.exec(output)?.[1] ?? 0);
    if (exitCode === 0 && major >= JAVA_MAJOR) return java;
  }
  return null;
}

async function findRedis(): Promise<string | null> {
  const { exitCode, output } = await runCommand("redis-server", ["--version"]);
  const major = Number(/v=(\d+)/.exec(output)?.[1] ?? 0);
  return exitCode === 0 && major >= REDIS_MAJOR ? "redis-server" : null;
}

async function findMaven(): Promise<string | null> {
  return (await runCommand("mvn", ["-v"])).exitCode === 0 ? "mvn" : null;
}

const JAVA: Tool = {
  name: `Java ${JAVA_MAJOR} or later`,
  purpose: "runs Kafka and the schema registry",
  debianPackages: [`openjdk-${JAVA_MAJOR}-jre-headless`, "default-jre-headless"],
  brewPackage: `openjdk@${JAVA_MAJOR}`,
  find: findJava,
};
const REDIS: Tool = {
  name: `redis-server ${REDIS_MAJOR} or later`,
  purpose: "keeps the profiles",
  debianPackages: ["redis-server"],
  brewPackage: "redis",
  find: findRedis,
};
const MAVEN: Tool = {
  name: "Maven",
  purpose: "fetches Kafka and the schema registry",
  debianPackages: ["maven"],
  brewPackage: "maven",
  find: findMaven,
};

async function installPackages(tools: readonly Tool[], report: Report): Promise<void> {
  const apt = { DEBIAN_FRONTEND: "noninteractive" };
  report("install   apt-get update");
  // A failed update may still leave usable lists: let the install decide.
  const update = await runCommand("apt-get", ["update", "-q"], apt);
  for (const tool of tools) {
    let failure = "";
    for (const name of tool.debianPackages) {
      report(`install   apt-get install ${name}`);
      const done = await runCommand("apt-get", ["install", "-y", "-q", "--no-install-recommends", name], apt);
      if (done.exitCode === 0) {
        failure = "";
        break;
      }
      failure = done.output;
    }
    if (failure === "") continue;
    const updateFailure = update.exitCode === 0 ? "" : `\napt-get update failed too: ${update.output.slice(-500)}`;
    throw new ServicesUnavailable(`apt-get could not install ${tool.name}: ${failure.slice(-500)}${updateFailure}`);
  }
}

/** Finds the tools, installing the missing ones where that is allowed (root on a Debian system). */
async function requireTools(tools: readonly Tool[], report: Report): Promise<string[]> {
  const found = await Promise.all(tools.map((tool) => tool.find()));
  const missing = tools.filter((_, position) => found[position] === null);
  if (missing.length > 0) {
    const mayInstall = process.getuid?.() === 0 && existsSync("/etc/debian_version");
    if (!mayInstall) {
      const names = missing.map((tool) => `  ${tool.name} (${tool.purpose})`).join("\n");
      const debian = missing.map((tool) => tool.debianPackages[0]).join(" ");
      const brew = missing.map((tool) => tool.brewPackage).join(" ");
      throw new ServicesUnavailable(
        `missing on this machine:\n${names}\n` +
          `on Debian or Ubuntu: sudo apt-get update && sudo apt-get install -y ${debian}\n` +
          `on macOS:            brew install ${brew}`,
      );
    }
    await installPackages(missing, report);
  }
  return await Promise.all(
    tools.map(async (tool, position) => {
      const path = found[position] ?? (await tool.find());
      if (path === null) throw new ServicesUnavailable(`${tool.name} was installed but does not answer`);
      return path;
    }),
  );
}

export function cacheDirectory(): string {
  const given = process.env["WEFT_CACHE_DIR"];
  if (given !== undefined && given !== "") return given;
  const base = process.env["XDG_CACHE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "weft");
}

/** `fill` writes into an empty directory beside the final one, which takes its place only when all went well. */
async function requireCached(
  name: string,
  isComplete: (directory: string) => boolean,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const target = join(cacheDirectory(), name);
  if (existsSync(target)) return target;
  mkdirSync(cacheDirectory(), { recursive: true });
  return await withLock(`${target}.lock`, 600_000, async () => {
    if (existsSync(target)) return target;
    const partial = mkdtempSync(`${target}.partial-`);
    try {
      await fill(partial);
      if (!isComplete(partial)) throw new ServicesUnavailable(`the download of ${name} is not complete`);
      renameSync(partial, target);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
    return target;
  });
}

async function runMaven(args: readonly string[], what: string): Promise<void> {
  const done = await runCommand("mvn", ["-q", "-B", ...args]);
  if (done.exitCode !== 0) {
    throw new ServicesUnavailable(`Maven could not fetch ${what}: ${done.output.slice(-1_500)}`);
  }
}

const DEPENDENCY_PLUGIN = `org.apache.maven.plugins:maven-dependency-plugin:${MAVEN_DEPENDENCY_PLUGIN_VERSION}`;

async function fillKafka(directory: string): Promise<void> {
  const pom = join(directory, "pom.xml");
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>dev.weft</groupId><artifactId>kafka-runtime</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_${KAFKA_SCALA_VERSION}</artifactId>
<version>${KAFKA_VERSION}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
<version>${KAFKA_LOG4J_VERSION}</version></dependency></dependencies></project>
`,
  );
  await runMaven(
    ["-f", pom, `${DEPENDENCY_PLUGIN}:copy-dependencies`, `-DoutputDirectory=${directory}`, "-DincludeScope=runtime"],
    `Kafka ${KAFKA_VERSION}`,
  );
}

export function registryJar(directory: string): string {
  return join(directory, `apicurio-registry-app-${REGISTRY_VERSION}-runner.jar`);
}

async function fillRegistry(directory: string): Promise<void> {
  const artifact = `io.apicurio:apicurio-registry-app:${REGISTRY_VERSION}:tar.gz:all`;
  await runMaven(
    [`${DEPENDENCY_PLUGIN}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${directory}`],
    `the schema registry ${REGISTRY_VERSION}`,
  );
  const archive = join(directory, `apicurio-registry-app-${REGISTRY_VERSION}-all.tar.gz`);
  const done = await runCommand("tar", ["-xzf", archive, "-C", directory]);
  if (done.exitCode !== 0) throw new ServicesUnavailable(`tar could not unpack ${archive}: ${done.output}`);
  rmSync(archive);
}

/** The Redis alone. Throws ServicesUnavailable. */
export async function requireRedis(report: Report): Promise<string> {
  const [redis] = await requireTools([REDIS], report);
  if (redis === undefined) throw new Error("requireTools answered less than it was asked");
  return redis;
}

/** Everything the native services need, fetched or installed where missing. Throws ServicesUnavailable. */
export async function requirePrograms(report: Report): Promise<Programs> {
  const kafkaName = `kafka-${KAFKA_VERSION}-log4j-${KAFKA_LOG4J_VERSION}`;
  const registryName = `registry-${REGISTRY_VERSION}`;
  const isCached = [kafkaName, registryName].every((name) => existsSync(join(cacheDirectory(), name)));
  const [java, redis] = await requireTools([JAVA, REDIS, ...(isCached ? [] : [MAVEN])], report);
  if (java === undefined || redis === undefined) throw new Error("requireTools answered less than it was asked");
  if (!isCached)
    report(`install   Kafka ${KAFKA_VERSION} (43 MB) and registry ${REGISTRY_VERSION} (142 MB) from Maven Central`);
  // One after the other: two Mavens would fill the same local repository at once.
  const kafkaDirectory = await requireCached(
    kafkaName,
    (directory) => readdirSync(directory).includes(`kafka_${KAFKA_SCALA_VERSION}-${KAFKA_VERSION}.jar`),
    fillKafka,
  );
  const registryDirectory = await requireCached(
    registryName,
    (directory) => existsSync(registryJar(directory)),
    fillRegistry,
  );
  return { java, redis, kafkaDirectory, registryDirectory };
}

/** A file appears whole or not at all. */
export function writeFileWhole(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.partial-${process.pid}`;
  writeFileSync(partial, content);
  renameSync(partial, file);
}
