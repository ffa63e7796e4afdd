// Bytes written one after another into one buffer that grows and is used again for the next message. Text is nearly
// always ASCII, so its length counts as its bytes until a character says otherwise; short text is copied in a loop, which
// costs less than a call into the runtime.

const START_BYTES = 64 * 1024;
/** A buffer that one rare message made larger than this is not kept. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
/** From here on the runtime's own copy wins over a loop. */
const LOOP_UNITS_MAX = 32;
/** UTF-8 of a UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

export interface ByteWriter {
  /** Begins anew, whatever a throw in the middle of an earlier message has left. */
  begin(): void;
  putByte(value: number): void;
  /** Seven bits a byte, lowest first; an integer from 0 to 2^32 - 1. */
  putVarint(value: number): void;
  putDouble(value: number): void;
  putBytes(value: Uint8Array): void;
  /** UTF-8. `putLength` is called with the number of bytes before they are written, perhaps twice: the last one counts. */
  putText(value: string, putLength: (bytes: number) => void): void;
  /** ASCII, without a length. */
  putAscii(value: string): void;
  /** All that was written, as a view: good until the next message. */
  finish(): Buffer;
}

export function createByteWriter(): ByteWriter {
  let buffer = Buffer.allocUnsafeSlow(START_BYTES);
  let at = 0;

  function reserve(bytes: number): void {
    if (at + bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, at + bytes));
    buffer.copy(grown, 0, 0, at);
    buffer = grown;
  }

  /** False where it meets a character beyond ASCII; `at` then stands anywhere. */
  function copyUnits(value: string): boolean {
    reserve(value.length);
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) return false;
      buffer[at++] = unit;
    }
    return true;
  }

  return {
    begin() {
      at = 0;
    },
    putByte(value) {
      reserve(1);
      buffer[at++] = value;
    },
    putVarint(value) {
      reserve(5);
      let rest = value;
      for (; rest > 127; rest >>>= 7) buffer[at++] = (rest & 127) | 128;
      buffer[at++] = rest;
    },
    putDouble(value) {
      reserve(8);
      at = buffer.writeDoubleBE(value, at);
    },
    putBytes(value) {
      reserve(value.byteLength);
      buffer.set(value, at);
      at += value.byteLength;
    },
    putText(value, putLength) {
      const start = at;
      putLength(value.length);
      if (value.length <= LOOP_UNITS_MAX) {
        if (copyUnits(value)) return;
      } else {
        reserve(value.length * BYTES_PER_UNIT_MAX);
        const bytes = buffer.write(value, at, "utf8");
        at += bytes;
        if (bytes === value.length) return;
      }
      at = start;
      putLength(Buffer.byteLength(value, "utf8"));
      reserve(value.length * BYTES_PER_UNIT_MAX);
      at += buffer.write(value, at, "utf8");
    },
    putAscii(value) {
      if (!copyUnits(value)) throw new RangeError("not ASCII");
    },
    finish() {
      const written = buffer.subarray(0, at);
      if (buffer.length > KEPT_BYTES_MAX) buffer = Buffer.allocUnsafeSlow(START_BYTES);
      return written;
    },
  };
}
