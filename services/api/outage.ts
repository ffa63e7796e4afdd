// A service that is away must not hold requests up: what is asked of it has a limit, and while a call hangs nobody waits
// for another one.

import { ApiProblem, type ProblemCode } from "./problem.ts";

export class Gate {
  readonly #code: ProblemCode;
  readonly #limitMs: number;
  /** Calls that have run over the limit and still hang. */
  #hanging = 0;

  constructor(code: ProblemCode, limitMs: number) {
    this.#code = code;
    this.#limitMs = limitMs;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#hanging > 0) throw new ApiProblem(this.#code);
    const working = work();
    let timer: NodeJS.Timeout | undefined;
    let isLate = false;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        isLate = true;
        this.#hanging += 1;
        reject(new ApiProblem(this.#code));
      }, this.#limitMs);
    });
    const settle = async (): Promise<void> => {
      await Promise.allSettled([working]);
      if (isLate) this.#hanging -= 1;
    };
    void settle();
    try {
      return await Promise.race([working, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
