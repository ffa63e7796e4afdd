// A command as the bytes that go to Redis (RESP: the number of arguments, then each with its length), written in one
// pass. ioredis makes a buffer of each argument's frame and joins them, which for a commit's hundreds of arguments costs
// more than making the commit.

import { Command } from "ioredis";
import { createByteWriter } from "./byte-writer.ts";

export interface CommandWriter {
  /** `count` arguments follow, the name of the command among them. */
  begin(count: number): void;
  put(argument: string | Uint8Array): void;
  /** The frame, a copy of its own: the socket may keep it. Throws if another number of arguments was promised. */
  finish(): Buffer;
}

export function createCommandWriter(): CommandWriter {
  const writer = createByteWriter();
  let missing = 0;

  function putLength(bytes: number): void {
    writer.putAscii(`$${bytes}\r\n`);
  }

  return {
    begin(count) {
      writer.finish(); // what a throw in the middle of an earlier frame may have left
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
      return Buffer.from(writer.finish());
    },
  };
}

/** Sent as its frame. It has no arguments of its own, so none can end up in an error or a trace (G2). */
export class FramedCommand extends Command {
  readonly #frame: Buffer;

  constructor(name: string, frame: Buffer) {
    super(name, [], { replyEncoding: "utf8" });
    this.#frame = frame;
  }

  override toWritable(): Buffer {
    return this.#frame;
  }
}
