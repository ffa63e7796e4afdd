// kafkajs 2.2.4 arms a timer with a negative delay for ever on every connection that is not throttled: Node 24 prints
// TimeoutNegativeWarning and the process spins (tulios/kafkajs#1751). Nothing pending and not throttled: no timer.

import { createRequire } from "node:module";

interface RequestQueue {
  throttledUntil: number;
  throttleCheckTimeoutId: unknown;
  pending: readonly unknown[];
  checkPendingRequests(): void;
}

interface RequestQueueClass {
  prototype: { scheduleCheckPendingRequests(this: RequestQueue): void; weftPatched?: boolean };
}

const CHECK_INTERVAL_MS = 10;

export function patchTimers(): void {
  const { prototype } = createRequire(import.meta.url)("kafkajs/src/network/requestQueue") as RequestQueueClass;
  if (prototype.weftPatched === true) return;
  prototype.weftPatched = true;
  prototype.scheduleCheckPendingRequests = function schedule(this: RequestQueue) {
    const throttledMs = this.throttledUntil - Date.now();
    if (this.throttleCheckTimeoutId !== null || (this.pending.length === 0 && throttledMs <= 0)) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : CHECK_INTERVAL_MS,
    );
  };
}
