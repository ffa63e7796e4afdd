// Chunks of bytes to lines of text, without ever holding more than one line of the longest allowed length.

export const LINE_BYTES_MAX = 1024 * 1024;

export interface Line {
  readonly line: number;
  /** Absent where the line is too long. */
  readonly bytes?: Buffer;
}

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Line ends are LF or CR LF; the last line needs none. Blank lines count but are not given. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let line = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let overlong = false;

  const keep = (part: Buffer) => {
    if (overlong || part.length === 0) return;
    keptBytes += part.length;
    // One more for the CR that may end it.
    if (keptBytes > LINE_BYTES_MAX + 1) {
      overlong = true;
      kept = [];
    } else kept.push(part);
  };
  const finish = (): Line | undefined => {
    line += 1;
    const whole = kept.length === 1 ? kept[0] : Buffer.concat(kept);
    const tooLong = overlong;
    kept = [];
    keptBytes = 0;
    overlong = false;
    if (tooLong) return { line };
    const bytes = trim(whole ?? Buffer.alloc(0), line === 1);
    if (bytes.length > LINE_BYTES_MAX) return { line };
    return isBlank(bytes) ? undefined : { line, bytes };
  };

  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      const found = finish();
      if (found) yield found;
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (keptBytes > 0 || overlong) {
    const found = finish();
    if (found) yield found;
  }
}

function trim(bytes: Buffer, first: boolean): Buffer {
  const start = first && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  const end = bytes[bytes.length - 1] === 0x0d ? bytes.length - 1 : bytes.length;
  return bytes.subarray(start, Math.max(start, end));
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09);
}
