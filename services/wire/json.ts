// State and items as JSON text. Bytes (an event that waits for a hand-over) are written as {"$bytes": base64}; the slow
// path for them is taken only where there are any.

const MARK = '"$bytes"';

function hasBytes(value: unknown): boolean {
  if (value instanceof Uint8Array) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(hasBytes);
}

function replaceBytes(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  return value;
}

function restoreBytes(_key: string, value: unknown): unknown {
  const bytes = typeof value === "object" && value !== null ? (value as { $bytes?: unknown }).$bytes : undefined;
  return typeof bytes === "string" ? new Uint8Array(Buffer.from(bytes, "base64")) : value;
}

/** Parked items and hand-overs under way are the only places where bytes can be. */
function mayHoldBytes(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { parked, arriving, parts } = value as { parked?: readonly unknown[]; arriving?: object; parts?: unknown };
  return (
    parts !== undefined ||
    (parked !== undefined && parked.length > 0) ||
    (arriving !== undefined && Object.keys(arriving).length > 0)
  );
}

/** Buffer's own toJSON would run before a replacer sees the bytes, so they must be plain Uint8Arrays. */
export function writeJson(value: unknown): string {
  return mayHoldBytes(value) && hasBytes(value) ? JSON.stringify(plain(value), replaceBytes) : JSON.stringify(value);
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

export function parseJson(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  return text.includes(MARK) ? JSON.parse(text, restoreBytes) : JSON.parse(text);
}
