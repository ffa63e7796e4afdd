// A reader of server-sent events, as a careful client is one.

import { setTimeout as sleep } from "node:timers/promises";

export interface StreamEvent {
  readonly event: string;
  readonly id: string;
  readonly data: unknown;
}

const WAIT_MS = 20_000;

export class StreamReader {
  readonly events: StreamEvent[] = [];
  readonly ended: Promise<void>;
  text = "";
  #seen = 0;
  readonly #stop: AbortController;

  private constructor(response: Response, stop: AbortController) {
    this.#stop = stop;
    // However it ends: closed here, or by the server.
    this.ended = this.#read(response).catch(() => {});
  }

  /** Resolves once the stream is open: what happens from then on is in it. */
  static async open(
    base: string,
    key: string,
    { query = "", lastEventId }: { readonly query?: string; readonly lastEventId?: string },
  ): Promise<StreamReader> {
    const stop = new AbortController();
    const headers = {
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    };
    const response = await fetch(`${base}/changes${query}`, { headers, signal: stop.signal });
    if (response.status !== 200) throw new Error(`the stream is refused: ${response.status} ${await response.text()}`);
    return new StreamReader(response, stop);
  }

  /** The next event that matches, of those that no call has passed yet. */
  async next(matches: (event: StreamEvent) => boolean): Promise<StreamEvent> {
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(10)) {
      const at = this.events.findIndex((event, i) => i >= this.#seen && matches(event));
      if (at < 0) continue;
      this.#seen = at + 1;
      return this.events[at] as StreamEvent;
    }
    throw new Error(`no such event in ${WAIT_MS / 1000} s; there were ${JSON.stringify(this.events).slice(0, 2000)}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of response.body ?? []) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      this.text += text;
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
        const data = fields.get("data");
        if (data === undefined) continue;
        this.events.push({ event: fields.get("event") ?? "", id: fields.get("id") ?? "", data: JSON.parse(data) });
      }
    }
  }
}
