// The data of one service of a rig on a small disk of its own (tmpfs), which can be filled and emptied. Only where this user
// may mount.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { killService, restartService, type ServiceName } from "../../infra/services.ts";

/** Beside what the service holds already: room for a while of working. */
const SPARE_KB = 24 * 1024;
const CHUNK = Buffer.alloc(256 * 1024, 1);

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

export class SmallDisk {
  readonly #directory: string;
  readonly #name: ServiceName;
  readonly #data: string;
  readonly #before: string;

  private constructor(directory: string, name: ServiceName) {
    this.#directory = directory;
    this.#name = name;
    this.#data = join(directory, name, "data");
    this.#before = join(directory, name, "data-before");
  }

  /** The service goes on with what it had; null where nothing can be mounted. */
  static async put(directory: string, name: ServiceName): Promise<SmallDisk | null> {
    const disk = new SmallDisk(directory, name);
    await killService({ directory, name });
    const usedKb = Number(run("du", "-sk", disk.#data).split("\t")[0]);
    renameSync(disk.#data, disk.#before);
    mkdirSync(disk.#data);
    try {
      run("mount", "-t", "tmpfs", "-o", `size=${usedKb + SPARE_KB}k`, "tmpfs", disk.#data);
    } catch {
      rmSync(disk.#data, { recursive: true });
      renameSync(disk.#before, disk.#data);
      await restartService({ directory, name });
      return null;
    }
    run("cp", "-a", "--sparse=always", `${disk.#before}/.`, disk.#data);
    await restartService({ directory, name });
    return disk;
  }

  fill(): void {
    const file = openSync(join(this.#data, "filler"), "w");
    try {
      for (;;) writeSync(file, CHUNK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(join(this.#data, "filler"), { force: true });
  }

  /** Back to the disk that it came from, with what it holds then. */
  async remove(): Promise<void> {
    await killService({ directory: this.#directory, name: this.#name });
    rmSync(this.#before, { recursive: true });
    run("cp", "-a", "--sparse=always", this.#data, this.#before);
    run("umount", this.#data);
    rmSync(this.#data, { recursive: true });
    renameSync(this.#before, this.#data);
    await restartService({ directory: this.#directory, name: this.#name });
  }
}
