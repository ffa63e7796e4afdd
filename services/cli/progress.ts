// How far a long command is: a bar with rate and time left on a terminal, a plain line every five seconds elsewhere.
// On standard error, so that standard output holds results only.

import { SingleBar } from "cli-progress";

const LINE_INTERVAL_MS = 5_000;

export interface Progress {
  /** `done` of the total (bytes, offsets), and how many events that made. */
  update(done: number, events: number): void;
  stop(): void;
}

export interface ProgressOptions {
  readonly label: string;
  /** Absent where nobody can know: no bar, no time left. */
  readonly total?: number;
  readonly quiet?: boolean;
  readonly stream?: NodeJS.WriteStream;
  readonly now?: () => number;
}

export function openProgress({
  label,
  total,
  quiet = false,
  stream = process.stderr,
  now = Date.now,
}: ProgressOptions): Progress {
  if (quiet) return { update() {}, stop() {} };
  if (stream.isTTY && total !== undefined) return openBar(label, total, stream, now);
  const startedMs = now();
  let saidMs = startedMs;
  let last = { done: 0, events: 0 };
  let said = last;
  return {
    update(done, events) {
      last = { done, events };
      if (now() - saidMs < LINE_INTERVAL_MS) return;
      saidMs = now();
      said = last;
      stream.write(`${describeProgress(label, last, total, saidMs - startedMs)}\n`);
    },
    stop() {
      // A command that was over before its first line needs none at its end.
      if (saidMs === startedMs || last === said) return;
      said = last;
      stream.write(`${describeProgress(label, last, total, now() - startedMs)}\n`);
    },
  };
}

export function describeProgress(
  label: string,
  { done, events }: { done: number; events: number },
  total: number | undefined,
  elapsedMs: number,
): string {
  const rate = Math.round((events * 1000) / Math.max(1, elapsedMs));
  const text = `${label}: ${events} events, ${rate}/s`;
  const left = total === undefined ? undefined : secondsLeft(done, total, elapsedMs);
  if (total === undefined || left === undefined) return text;
  return `${text}, ${Math.min(100, Math.floor((done * 100) / total))} %, about ${left} s left`;
}

function secondsLeft(done: number, total: number, elapsedMs: number): number | undefined {
  return total === 0 || done === 0 ? undefined : Math.max(0, Math.ceil((elapsedMs * (total - done)) / done / 1000));
}

function openBar(label: string, total: number, stream: NodeJS.WriteStream, now: () => number): Progress {
  const startedMs = now();
  const bar = new SingleBar({
    stream,
    format: `${label} [{bar}] {percentage} % | {events} events | {rate}/s | {left} s left`,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0, { events: 0, rate: 0, left: "?" });
  return {
    update(done, events) {
      const elapsedMs = Math.max(1, now() - startedMs);
      bar.update(done, {
        events,
        rate: Math.round((events * 1000) / elapsedMs),
        left: secondsLeft(done, total, elapsedMs) ?? "?",
      });
    },
    stop: () => bar.stop(),
  };
}
