// Reading on to an end that moves, for whoever asks, also for several at once.

export class CatchUp {
  readonly #read: () => Promise<void>;
  #reading: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | null = null;

  /** read: from where it was up to the end as it finds it; never called while it runs. */
  constructor(read: () => Promise<void>) {
    this.#read = read;
  }

  /** Resolves once all has been read that was there when it was called. */
  run(): Promise<void> {
    // A reading that is under way may have looked for the end too early; one that has not begun does for all who ask.
    this.#waiting ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#waiting = null;
        this.#reading = this.#read();
        return this.#reading;
      });
    return this.#waiting;
  }

  /** Resolves once nothing is being read any more, whatever became of it. */
  async settle(): Promise<void> {
    await this.#waiting?.catch(() => {});
    await this.#reading.catch(() => {});
  }
}
