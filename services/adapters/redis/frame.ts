// A command as the bytes that go to Redis (RESP: the number of arguments, then each with its length), written in one
// pass. ioredis makes a buffer of each argument's frame and joins them, which for a commit's hundreds of arguments costs
// more than making the commit.

import { Command } from "ioredis";
import { createByteWriter } from "./byte-writer.ts";

/** Memory kept for later frames: the page faults of fresh memory cost about as much as writing a large frame. */
const RELEASED_MAX = 16;
const RELEASED_BYTES_MAX = 1024 * 1024;

export interface CommandWriter {
  /** `count` arguments follow, the name of the command among them. */
  begin(count: number): void;
  put(argument: string | Uint8Array): void;
  /** The frame, a copy of its own: the socket may keep it. Throws if another number of arguments was promised. */
  finish(): Buffer;
  /** Gives back a frame that nobody reads any more: a later one takes its memory. */
  release(frame: Buffer): void;
}

export function createCommandWriter(): CommandWriter {
  const writer = createByteWriter();
  const released: ArrayBuffer[] = [];
  let missing = 0;

  function putLength(bytes: number): void {
    writer.putAscii(`$${bytes}\r\n`);
  }

  return {
    begin(count) {
      writer.begin();
      missing = count;
      writer.putAscii(`*${count}\r\n`);
    },
    put(argument) {
      missing -= 1;
      if (typeof argument === "string") writer.putText(argument, putLength);
      else {
        putLength(argument.byteLength);
        writer.putBytes(argument);
      }
      writer.putAscii("\r\n");
    },
    finish() {
      if (missing !== 0) throw new RangeError(`a command of ${missing} arguments more than were written`);
      const written = writer.finish();
      const memory = released.pop();
      const fits = memory !== undefined && memory.byteLength >= written.length;
      const room = fits ? memory : new ArrayBuffer(2 ** Math.ceil(Math.log2(written.length)));
      const frame = Buffer.from(room, 0, written.length);
      frame.set(written);
      return frame;
    },
    release({ buffer }) {
      if (released.length < RELEASED_MAX && buffer.byteLength <= RELEASED_BYTES_MAX)
        released.push(buffer as ArrayBuffer);
    },
  };
}

/** Sent as its frame. It has no arguments of its own, so none can end up in an error or a trace (G2). */
export class FramedCommand extends Command {
  readonly #frame: Buffer;
  readonly #key: string;

  /** `key` is any of its keys: a cluster sends it to that key's node. */
  constructor(name: string, frame: Buffer, key: string) {
    super(name, [], { replyEncoding: "utf8" });
    this.#frame = frame;
    this.#key = key;
  }

  override getKeys(): string[] {
    return [this.#key];
  }

  override toWritable(): Buffer {
    return this.#frame;
  }
}
