// What files say under keys that an event does not have: counted, and told once, so that nothing is left out in silence.

import type { LeftOutKey } from "#services/channel/reading.ts";
import { countOf } from "./failure.ts";

export class LeftOut {
  readonly #found = new Map<string, LeftOutKey & { readonly first: string; count: number }>();

  readonly note = (file: string, line: number, key: LeftOutKey): void => {
    const name = JSON.stringify([key.part, key.meant]);
    const found = this.#found.get(name);
    if (found === undefined) this.#found.set(name, { ...key, first: `${file}:${line}`, count: 1 });
    else found.count += 1;
  };

  /** Among the verb's lines of JSON, or to standard error. */
  tell(json: boolean): void {
    for (const leftOut of this.#found.values()) {
      const { part, meant, first, count } = leftOut;
      if (json) process.stdout.write(`${JSON.stringify({ leftOut })}\n`);
      else
        process.stderr.write(
          `left out: ${countOf(count, "key")} that ${part === "" ? "an event" : part} does not have${meant === null ? "" : `, perhaps ${meant}`}; the first in ${first}\n`,
        );
    }
  }
}
