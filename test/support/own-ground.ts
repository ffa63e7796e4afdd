// A ground whose services, too, are one test's alone: it may kill them, and what they hold.

import { rmSync } from "node:fs";
import type { TestContext } from "node:test";
import { Redis } from "ioredis";
import { type RunningServices, stopServices } from "../../infra/services.ts";
import { Deployment, type DeploymentOptions } from "./deployment.ts";
import { makeFolder } from "./folder.ts";
import { Ground } from "./ground.ts";
import { endOnInterruption } from "./interruption.ts";
import { ownServicesOrSkip } from "./services.ts";

export class OwnGround extends Ground {
  readonly directory: string;
  readonly redis: Redis;
  readonly brokers: readonly string[];

  private constructor(directory: string, services: RunningServices, options: DeploymentOptions) {
    super(new Deployment(services, options));
    this.directory = directory;
    this.redis = new Redis(services.redisUrl);
    // Some tests kill it.
    this.redis.on("error", () => {});
    this.brokers = services.brokers;
  }

  /** describe: of the deployment, given the folder that is the test's own. */
  static override async use(
    t: TestContext,
    work: (ground: OwnGround) => Promise<void>,
    describe: (directory: string) => DeploymentOptions = () => ({}),
  ): Promise<void> {
    const directory = makeFolder("ground");
    const stop = () => stopServices({ directory });
    const forget = endOnInterruption(stop);
    const services = await ownServicesOrSkip(t, directory);
    if (services === null) return forget();
    const ground = new OwnGround(directory, services, describe(directory));
    await ground.run(
      () => work(ground),
      async () => {
        ground.redis.disconnect();
        await ground.deployment.leave();
        await stop();
        forget();
        rmSync(directory, { recursive: true, force: true });
      },
    );
  }
}
