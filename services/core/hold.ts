// A source that is held back: what it says from one instant of the log to another is a mere claim, so it joins nobody. Which
// spans these are is told by records (wire/hold-ledger.ts), never found out here, so that every fold knows the same ones.

import { OPERATOR, type SourceConfiguration } from "./configuration.ts";

/** A hold and a release take effect this long after they are recorded: by then every resolver has read of them. */
export const HOLD_MARGIN_MS = 60_000;

/** Of record time, without its end. Null: it lasts. */
export interface Hold {
  readonly from: number;
  readonly to: number | null;
}

export class Holds {
  readonly #bySource = new Map<string, Hold[]>();

  /** The operator is who releases, and is never held. */
  add(source: string, hold: Hold): void {
    if (source === OPERATOR) return;
    const holds = this.#bySource.get(source);
    if (holds === undefined) this.#bySource.set(source, [hold]);
    else holds.push(hold);
  }

  /** Ends the hold that lasts. */
  end(source: string, to: number): void {
    const holds = this.#bySource.get(source) ?? [];
    this.#bySource.set(
      source,
      holds.map((hold) => (hold.to === null ? { ...hold, to } : hold)),
    );
  }

  isHeld(source: string, recordedAt: number): boolean {
    const holds = this.#bySource.get(source);
    return holds?.some(({ from, to }) => recordedAt >= from && (to === null || recordedAt < to)) ?? false;
  }
}

export const NO_HOLDS = new Holds();

/** The source as it counts meanwhile. */
export function holdBack(source: SourceConfiguration): SourceConfiguration {
  return { ...source, assurance: { "*": "claimed" }, assuranceByType: {} };
}
