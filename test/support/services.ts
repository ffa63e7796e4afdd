// Real services for integration tests. In order: those that the environment names, native ones, containers.
// `npm test` starts one set for the whole run and names it in the environment; a test file run by hand starts a native
// set that stays for the next one (npm run services -- stop --directory .weft/test-services/shared ends it).

import { join } from "node:path";
import type { TestContext } from "node:test";
import { type RunningServices, ServicesUnavailable, startServices } from "../../infra/services.ts";
import { hasDockerEngine, startContainers } from "./containers.ts";

export interface TestServices {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly redisUrl: string;
}

export interface FoundServices extends TestServices {
  readonly stop?: () => Promise<void>;
}

export const TEST_SERVICES_DIRECTORY = join(import.meta.dirname, "..", "..", ".weft", "test-services");

/** Set by `npm test` when it could start nothing: its test files need not try again. */
export const MISSING_VARIABLE = "WEFT_TEST_SERVICES_MISSING";

const VARIABLES = ["WEFT_KAFKA_BROKERS", "WEFT_REGISTRY_URL", "WEFT_REDIS_URL"] as const;

/** On a build machine a test that cannot run is a failure; a developer may lack Java or Redis. */
export function isBuildMachine(): boolean {
  return ["true", "1"].includes(process.env["CI"] ?? "");
}

export function readServicesFromEnvironment(): TestServices | null {
  const [brokers, registryUrl, redisUrl] = VARIABLES.map((name) => process.env[name] ?? "");
  if (!brokers && !registryUrl && !redisUrl) return null;
  if (!brokers || !registryUrl || !redisUrl) throw new Error(`give all of ${VARIABLES.join(", ")}, or none`);
  return { brokers: brokers.split(","), registryUrl, redisUrl };
}

export function writeServicesToEnvironment(services: TestServices): Record<string, string> {
  return {
    WEFT_KAFKA_BROKERS: services.brokers.join(","),
    WEFT_REGISTRY_URL: services.registryUrl,
    WEFT_REDIS_URL: services.redisUrl,
  };
}

/** Native services in the directory, or containers. Throws ServicesUnavailable where the machine can do neither. */
export async function startTestServices(directory: string): Promise<FoundServices> {
  try {
    return await startServices({ directory, report: (line) => console.error(line) });
  } catch (error) {
    if (!(error instanceof ServicesUnavailable)) throw error;
    if (await hasDockerEngine()) return await startContainers();
    throw new ServicesUnavailable(`${error.message}\nand no Docker engine answers`, { cause: error });
  }
}

async function findServices(): Promise<TestServices> {
  const given = readServicesFromEnvironment();
  if (given !== null) return given;
  const missing = process.env[MISSING_VARIABLE];
  if (missing !== undefined && missing !== "") throw new ServicesUnavailable(missing);
  return await startTestServices(join(TEST_SERVICES_DIRECTORY, "shared"));
}

let found: Promise<TestServices> | undefined;

/** One set per process, shared with the other test processes where they are native. */
export async function requireServices(): Promise<TestServices> {
  found ??= findServices();
  return await found;
}

const printedReasons = new Set<string>();

/** Where a service cannot be started the test is skipped with the reason, on a build machine it fails. */
export async function orSkip<Service>(
  t: TestContext,
  what: string,
  require: () => Promise<Service>,
): Promise<Service | null> {
  try {
    return await require();
  } catch (error) {
    if (!(error instanceof ServicesUnavailable) || isBuildMachine()) throw error;
    const line = `SKIPPED   tests on ${what}: ${error.message}`;
    if (!printedReasons.has(line)) console.error(line);
    printedReasons.add(line);
    t.skip(`no services: ${error.message.replaceAll("\n", "; ")}`);
    return null;
  }
}

export async function servicesOrSkip(t: TestContext): Promise<TestServices | null> {
  return await orSkip(t, "Kafka, registry and Redis", requireServices);
}

/** Native ones for this test alone, which may kill what it likes. The caller stops them. */
export async function ownServicesOrSkip(t: TestContext, directory: string): Promise<RunningServices | null> {
  return await orSkip(t, "services of its own", () => startServices({ directory }));
}
