// The schema registry (Apicurio, Confluent-compatible API), natively. Schemas are kept in a file database that is
// written at every commit: a schema id found in a Kafka record must outlive a restart, and a kill.

import { join } from "node:path";
import { registryJar } from "./install.ts";
import type { Launch, ServicePlan, Surroundings } from "./service.ts";
import { firstPort } from "./service.ts";

export const REGISTRY_PATH = "/apis/ccompat/v7";

function launchRegistry(surroundings: Surroundings): Launch {
  return {
    command: surroundings.programs.java,
    arguments: [
      "-Xmx512m",
      "-Dquarkus.http.host=127.0.0.1",
      `-Dquarkus.http.port=${firstPort(surroundings.ports)}`,
      "-Dquarkus.datasource.jdbc.initial-size=2",
      "-Dquarkus.datasource.jdbc.min-size=2",
      "-jar",
      registryJar(surroundings.programs.registryDirectory),
    ],
    environment: {
      REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(surroundings.dataDirectory, "registry")};WRITE_DELAY=0`,
      LOG_LEVEL: "WARN",
      REGISTRY_LOG_LEVEL: "WARN",
    },
  };
}

async function probeRegistry(ports: readonly number[]): Promise<void> {
  const url = `http://127.0.0.1:${firstPort(ports)}${REGISTRY_PATH}/subjects`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${body.slice(0, 200)}`);
}

export const REGISTRY_PLAN: ServicePlan = {
  name: "registry",
  portCount: 1,
  graceMs: 10_000,
  prepare: async () => {},
  launch: launchRegistry,
  probe: probeRegistry,
};
