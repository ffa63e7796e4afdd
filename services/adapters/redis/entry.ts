// An outbox entry's records as bytes. The records of a step say the same few things again and again (topics, header
// names, most header values, the key as the subject), so each text stands in an entry once and is a number from then on:
// less than half the bytes for Redis to hold, to log and to read back.
//
// entry  = format:u8 count record*
// record = flags:u8 topic:text [partition] [timestampMs:f64] [key:text] [value:bytes] [count (name:text value:text)*]
// bytes  = length content
// text   = 2 * length, content (UTF-8), for a text not seen before; it takes the next number from 0
//        | 2 * number + 1
// Lengths, counts, numbers and partitions are varints.

import type { NewRecord } from "#ports/log.ts";
import { createByteWriter } from "./byte-writer.ts";

const FORMAT = 2;
const HAS_PARTITION = 1;
const HAS_TIMESTAMP = 2;
const HAS_KEY = 4;
const HAS_VALUE = 8;
const HAS_HEADERS = 16;

const writer = createByteWriter();
const { putByte, putVarint, putDouble, putBytes } = writer;
const putTextLength = (bytes: number) => putVarint(2 * bytes);

/** A view, good until the next entry is encoded. */
export function encodeEntry(records: readonly NewRecord[]): Buffer {
  const numbers = new Map<string, number>();
  const putText = (text: string) => {
    const number = numbers.get(text);
    if (number !== undefined) return putVarint(2 * number + 1);
    numbers.set(text, numbers.size);
    writer.putText(text, putTextLength);
  };

  writer.begin();
  putByte(FORMAT);
  putVarint(records.length);
  for (const { topic, partition, timestampMs, key, value, headers } of records) {
    putByte(
      (partition === undefined ? 0 : HAS_PARTITION) |
        (timestampMs === undefined ? 0 : HAS_TIMESTAMP) |
        (key === null ? 0 : HAS_KEY) |
        (value === null ? 0 : HAS_VALUE) |
        (headers === undefined ? 0 : HAS_HEADERS),
    );
    putText(topic);
    if (partition !== undefined) putVarint(partition);
    if (timestampMs !== undefined) putDouble(timestampMs); // exact for every integer that a number can hold
    if (key !== null) putText(key);
    if (value !== null) {
      putVarint(value.byteLength);
      putBytes(value);
    }
    if (headers === undefined) continue;
    const names = Object.keys(headers);
    putVarint(names.length);
    for (const name of names) {
      putText(name);
      putText(headers[name] as string);
    }
  }
  return writer.finish();
}

export function decodeEntry(bytes: Buffer): NewRecord[] {
  let at = 1;
  if (bytes[0] !== FORMAT) throw new Error(`outbox entry of format ${bytes[0]}, not ${FORMAT}`);
  const texts: string[] = [];
  const takeNumber = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    if (at > bytes.length) throw new Error("outbox entry cut short");
    return bytes.subarray(at - length, at);
  };
  // Each takes two bytes at least: what claims more of them than there can be would cost memory before it fails.
  const takeCount = () => {
    const count = takeNumber();
    if (2 * count > bytes.length - at) throw new Error("outbox entry cut short");
    return count;
  };
  const takeText = () => {
    const number = takeNumber();
    if (number % 2 === 0) {
      const text = take(number / 2).toString("utf8");
      texts.push(text);
      return text;
    }
    const text = texts[(number - 1) / 2];
    if (text === undefined) throw new Error(`outbox entry names a text ${(number - 1) / 2} that it does not have`);
    return text;
  };

  return Array.from({ length: takeCount() }, (): NewRecord => {
    const flags = bytes.readUInt8(at++);
    const topic = takeText();
    const partition = flags & HAS_PARTITION ? { partition: takeNumber() } : {};
    const timestampMs = flags & HAS_TIMESTAMP ? { timestampMs: bytes.readDoubleBE((at += 8) - 8) } : {};
    const key = flags & HAS_KEY ? takeText() : null;
    const value = flags & HAS_VALUE ? take(takeNumber()) : null;
    if (!(flags & HAS_HEADERS)) return { topic, ...partition, ...timestampMs, key, value };
    const pairs = Array.from({ length: takeCount() }, (): [string, string] => [takeText(), takeText()]);
    return { topic, ...partition, ...timestampMs, key, value, headers: Object.fromEntries(pairs) };
  });
}
