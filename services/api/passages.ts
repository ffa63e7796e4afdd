// What profiles went through, and what all of it adds up to: transitions and renamings, read off the outputs into a SQLite file
// of the process as `weft report` has one. It may be thrown away at any time.

import { Worker } from "node:worker_threads";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import type { TopicNames } from "#services/config/topics.ts";
import { listPassages, type Passage, type PassagePage } from "#services/report/history.ts";
import { readTopic } from "#services/report/intake.ts";
import { Ledger, type Selection } from "#services/report/ledger.ts";
import type { ReportKind } from "#services/report/reports.ts";
import type { Sheet } from "#services/report/sheet.ts";
import type { ToldWhenAway } from "./directory.ts";
import { Follower } from "./follower.ts";
import type { Gate } from "./outage.ts";
import type { ReportOrder } from "./report-worker.ts";
import { holdAlone } from "./sole.ts";

const OWN_PAGE = 500;
const WORKER = new URL("./report-worker.ts", import.meta.url);

export class Passages {
  readonly #release: () => void;
  readonly #file: string;
  readonly #ledger: Ledger;
  readonly #follower: Follower;
  readonly #workers = new Set<Worker>();
  #writing: Promise<unknown> = Promise.resolve();

  /** Throws FileInUse where another process reads into the file. */
  constructor(
    file: string,
    wires: { readonly log: Log; readonly codec: Codec },
    { topics, gate, onAwayTooLong }: { readonly topics: TopicNames; readonly gate: Gate } & ToldWhenAway,
  ) {
    this.#release = holdAlone(file, "api.passagesFile");
    const ledger = new Ledger(file, onAwayTooLong);
    this.#file = file;
    this.#ledger = ledger;
    this.#follower = new Follower(gate, (signal) => readTopic(wires, ledger, topics, { follow: false, signal }));
  }

  /** Knows, once it resolves, all that had been published when it was called. Throws ApiProblem. */
  catchUp(): Promise<void> {
    return this.#follower.catchUp();
  }

  list(profileId: string, before: string, max: number): PassagePage {
    return listPassages(this.#ledger, profileId, before, max);
  }

  /** Those of the id itself, all that the file has; without waiting for what comes. */
  listOwn(profileId: string): Passage[] {
    const own: Passage[] = [];
    let page: PassagePage;
    let before = "";
    do {
      page = this.list(profileId, before, OWN_PAGE);
      own.push(...page.passages.filter(({ transitionId }) => transitionId.startsWith(`${profileId}.`)));
      before = page.passages.at(-1)?.transitionId ?? "";
    } while (page.hasMore);
    return own;
  }

  /** In a thread of its own, one after the other: a report goes through all passages, and requests must not wait for that. */
  async write(kind: ReportKind, selection: Selection): Promise<readonly Sheet[]> {
    const written = this.#writing.then(() => this.#order({ file: this.#file, kind, selection }));
    this.#writing = written.catch(() => {});
    return await written;
  }

  async close(): Promise<void> {
    await this.#follower.close();
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
    this.#ledger.close();
    this.#release();
  }

  #order(order: ReportOrder): Promise<readonly Sheet[]> {
    const worker = new Worker(WORKER, { workerData: order });
    this.#workers.add(worker);
    return new Promise<readonly Sheet[]>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => {
        this.#workers.delete(worker);
        reject(new Error("the report was ended"));
      });
    });
  }
}
