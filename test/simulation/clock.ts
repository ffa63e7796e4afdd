// The clock of the simulated shells, which resolvers write to the log as progress: it goes by faster than the world's time.

const START_MS = Date.UTC(2026, 0, 5);
/** Log time that passes in a virtual millisecond: days go by in a run, so that timers fall due. */
const TIME_LAPSE = 10_000;

export function clockAt(worldMs: number): number {
  return START_MS + Math.round(worldMs * TIME_LAPSE);
}
