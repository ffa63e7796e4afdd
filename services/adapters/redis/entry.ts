// An outbox entry's records as bytes: lengths before contents, so that any bytes pass.
//
// entry  = format:u8 count:u32 record*
// record = flags:u8 topic:bytes [partition:u32] [timestampMs:f64] [key:bytes] [value:bytes] [count:u32 (name:bytes value:bytes)*]
// bytes  = length:u32 content

import type { NewRecord } from "#ports/log.ts";

const FORMAT = 1;
const HAS_PARTITION = 1;
const HAS_TIMESTAMP = 2;
const HAS_KEY = 4;
const HAS_VALUE = 8;
const HAS_HEADERS = 16;

export function encodeEntry(records: readonly NewRecord[]): Buffer {
  const chunks: Uint8Array[] = [Buffer.from([FORMAT])];
  const putNumber = (value: number) => {
    const chunk = Buffer.allocUnsafe(4);
    chunk.writeUInt32BE(value);
    chunks.push(chunk);
  };
  const putBytes = (value: Uint8Array) => {
    putNumber(value.byteLength);
    chunks.push(value);
  };
  const putText = (value: string) => putBytes(Buffer.from(value, "utf8"));

  putNumber(records.length);
  for (const { topic, partition, timestampMs, key, value, headers } of records) {
    chunks.push(
      Buffer.from([
        (partition === undefined ? 0 : HAS_PARTITION) |
          (timestampMs === undefined ? 0 : HAS_TIMESTAMP) |
          (key === null ? 0 : HAS_KEY) |
          (value === null ? 0 : HAS_VALUE) |
          (headers === undefined ? 0 : HAS_HEADERS),
      ]),
    );
    putText(topic);
    if (partition !== undefined) putNumber(partition);
    if (timestampMs !== undefined) {
      const chunk = Buffer.allocUnsafe(8);
      chunk.writeDoubleBE(timestampMs); // exact for every integer that a number can hold
      chunks.push(chunk);
    }
    if (key !== null) putText(key);
    if (value !== null) putBytes(value);
    if (headers === undefined) continue;
    const pairs = Object.entries(headers);
    putNumber(pairs.length);
    for (const pair of pairs) for (const one of pair) putText(one);
  }
  return Buffer.concat(chunks);
}

export function decodeEntry(bytes: Buffer): NewRecord[] {
  let at = 1;
  if (bytes[0] !== FORMAT) throw new Error(`outbox entry of format ${bytes[0]}, not ${FORMAT}`);
  const takeNumber = () => {
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const takeBytes = () => {
    const length = takeNumber();
    at += length;
    if (at > bytes.length) throw new Error("outbox entry cut short");
    return bytes.subarray(at - length, at);
  };
  const takeText = () => takeBytes().toString("utf8");

  return Array.from({ length: takeNumber() }, (): NewRecord => {
    const flags = bytes.readUInt8(at++);
    const topic = takeText();
    const partition = flags & HAS_PARTITION ? { partition: takeNumber() } : {};
    const timestampMs = flags & HAS_TIMESTAMP ? { timestampMs: bytes.readDoubleBE((at += 8) - 8) } : {};
    const key = flags & HAS_KEY ? takeText() : null;
    const value = flags & HAS_VALUE ? takeBytes() : null;
    if (!(flags & HAS_HEADERS)) return { topic, ...partition, ...timestampMs, key, value };
    const pairs = Array.from({ length: takeNumber() }, (): [string, string] => [takeText(), takeText()]);
    return { topic, ...partition, ...timestampMs, key, value, headers: Object.fromEntries(pairs) };
  });
}
