// The bytes of a file or of standard input, unpacked where it is gzip.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ChannelFileError } from "./reading.ts";

const CHUNK_BYTES = 256 * 1024;

/** The chunks, unpacked; `-` is standard input. A file that breaks off half-way is a ChannelFileError. */
export async function* readBytes(
  path: string,
  onBytes?: (file: string, bytes: number) => void,
): AsyncGenerator<Buffer> {
  const { stream, bytesRead } = path === "-" ? { stream: process.stdin, bytesRead: () => 0 } : await openFile(path);
  try {
    for await (const chunk of stream) {
      onBytes?.(path, bytesRead());
      yield typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Buffer);
    }
  } catch (error) {
    throw new ChannelFileError("file-unreadable", `${path} breaks off or cannot be read`, { cause: error });
  }
}

async function openFile(path: string): Promise<{ stream: Readable; bytesRead: () => number }> {
  const packed = await isPacked(path);
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const bytesRead = () => file.bytesRead;
  if (!packed) return { stream: file, bytesRead };
  const stream = pipeline(file, createGunzip({ chunkSize: CHUNK_BYTES }), () => {
    // The error has already destroyed the unpacking stream, whose reader sees it.
  });
  return { stream, bytesRead };
}

/** By its first bytes, not by its name. Throws ChannelFileError where they cannot be read. */
export async function isPacked(path: string): Promise<boolean> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "r");
  } catch (error) {
    throw new ChannelFileError("file-unreadable", `${path} cannot be opened`, { cause: error });
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (error) {
    throw new ChannelFileError("file-unreadable", `${path} cannot be read`, { cause: error });
  } finally {
    await file.close();
  }
}
