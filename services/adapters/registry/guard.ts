// The guard reads a value's bytes by the writer's schema before avsc does, and builds nothing. avsc allocates what a
// block claims to hold before it looks whether the bytes are there: seven bytes that claim fifty million items end the
// process, and again after each restart, as the offset is never committed. What the guard passes, avsc decodes without
// throwing and in bounded memory.
//
// It is stricter than avsc where avsc would return something other than what was written:
// - invalid UTF-8: avsc puts U+FFFD, and two different identifiers would become equal;
// - a negative long below -2^52: avsc loses its sign; any long beyond 2^53: avsc throws;
// - the map key `__proto__`: avsc would set the prototype of the map and lose the entry;
// - a block whose size in bytes is not that of its items: avsc believes the size only when it skips, so a reader of an
//   older schema would see other values than a reader of the newer one.

import { isUtf8 } from "node:buffer";
import avsc, { type Type } from "avsc";

/** Items of all arrays and maps of one value together. */
export const ITEMS_MAX = 100_000;
/** Items that take no byte (null, an empty record): nothing in the message pays for them. */
export const ZERO_SIZE_ITEMS_MAX = 1_000;
/** Records, arrays and maps inside each other; a recursive schema has no limit of its own. */
export const DEPTH_MAX = 32;
/** 64 bits in groups of seven. */
export const VARINT_BYTES_MAX = 10;
/** What avsc accepts, one short of 2^53 - 1 on either side. */
export const LONG_MAX = 9_007_199_254_740_990;
/** Below it a zigzag value no longer fits a double exactly, and its lowest bit is the sign. */
export const LONG_MIN = -4_503_599_627_370_496;

const INT_MIN = -2_147_483_648;
const INT_MAX = 2_147_483_647;

/** Says why avsc must not see the bytes from `from` on, or null where it may. Never throws. */
export type Guard = (bytes: Buffer, from: number) => string | null;

interface Cursor {
  bytes: Buffer;
  pos: number;
  end: number;
  depth: number;
  itemsLeft: number;
  zeroSizeItemsLeft: number;
  refusal: string;
}

/** Moves the cursor past one value; false: refused, and the cursor says why. */
type Walk = (cursor: Cursor) => boolean;

interface Compiled {
  walk: Walk;
  /** A lower bound of the bytes that a value takes. */
  readonly sizeMin: number;
}

const NO_BYTES = Buffer.alloc(0);

export function compileGuard(type: Type): Guard {
  const { walk } = compileType(type, new Map());
  const cursor: Cursor = { bytes: NO_BYTES, pos: 0, end: 0, depth: 0, itemsLeft: 0, zeroSizeItemsLeft: 0, refusal: "" };
  return (bytes, from) => {
    cursor.bytes = bytes;
    cursor.pos = from;
    cursor.end = bytes.length;
    cursor.depth = 0;
    cursor.itemsLeft = ITEMS_MAX;
    cursor.zeroSizeItemsLeft = ZERO_SIZE_ITEMS_MAX;
    cursor.refusal = "";
    if (walk(cursor) && cursor.pos !== cursor.end) refuse(cursor, `${cursor.end - cursor.pos} bytes after the value`);
    const refusal = cursor.refusal;
    cursor.bytes = NO_BYTES;
    return refusal === "" ? null : refusal;
  };
}

function compileType(type: Type, known: Map<Type, Compiled>): Compiled {
  const present = known.get(type);
  if (present !== undefined) return present;
  if (avsc.Type.isType(type, "logical")) return compileType((type as avsc.types.LogicalType).underlyingType, known);
  if (avsc.Type.isType(type, "union")) return compileUnion((type as avsc.types.UnwrappedUnionType).types, known);
  switch (type.typeName) {
    case "null":
      return { walk: () => true, sizeMin: 0 };
    case "boolean":
      return { walk: walkBoolean, sizeMin: 1 };
    case "int":
      return { walk: walkInt, sizeMin: 1 };
    case "long":
      return { walk: walkLong, sizeMin: 1 };
    case "float":
      return { walk: walkFixed(4), sizeMin: 4 };
    case "double":
      return { walk: walkFixed(8), sizeMin: 8 };
    case "bytes":
      return { walk: walkBytes, sizeMin: 1 };
    case "string":
      return { walk: walkString, sizeMin: 1 };
    case "fixed": {
      const { size } = type as avsc.types.FixedType;
      return { walk: walkFixed(size), sizeMin: size };
    }
    case "enum":
      return { walk: walkEnum((type as avsc.types.EnumType).symbols.length), sizeMin: 1 };
    case "array":
      return { walk: walkBlocks(compileType((type as avsc.types.ArrayType).itemsType, known), false), sizeMin: 1 };
    case "map":
      return { walk: walkBlocks(compileType((type as avsc.types.MapType).valuesType, known), true), sizeMin: 1 };
    case "record":
    case "error":
      return compileRecord(type as avsc.types.RecordType, known);
    default:
      throw new Error(`no guard for Avro type ${type.typeName}`);
  }
}

function compileRecord(type: avsc.types.RecordType, known: Map<Type, Compiled>): Compiled {
  // Registered before its fields are compiled, so that a recursive schema finds it. Inside itself it counts as taking
  // no bytes, which is a lower bound like any other; its walk is there by the time that a value is read.
  const open: Compiled = { walk: () => false, sizeMin: 0 };
  known.set(type, { walk: (cursor) => open.walk(cursor), sizeMin: 0 });
  const fields = type.fields.map((field) => compileType(field.type, known));
  const compiled = {
    walk: walkRecord(fields.map((field) => field.walk)),
    sizeMin: fields.reduce((sum, field) => sum + field.sizeMin, 0),
  };
  open.walk = compiled.walk;
  known.set(type, compiled);
  return compiled;
}

function compileUnion(types: readonly Type[], known: Map<Type, Compiled>): Compiled {
  const branches = types.map((type) => compileType(type, known));
  const sizeMin = 1 + Math.min(...branches.map((branch) => branch.sizeMin));
  const [first, second] = branches;
  if (branches.length === 2 && types[0]?.typeName === "null" && second !== undefined)
    return { walk: walkNullable(second.walk), sizeMin };
  if (branches.length === 2 && types[1]?.typeName === "null" && first !== undefined)
    return { walk: walkUnion([first.walk, () => true]), sizeMin };
  return { walk: walkUnion(branches.map((branch) => branch.walk)), sizeMin };
}

function refuse(cursor: Cursor, why: string): false {
  cursor.refusal = `${why} (byte ${cursor.pos})`;
  return false;
}

/** NaN: refused. The arithmetic is avsc's, so both see the same number. */
function readVarint(cursor: Cursor): number {
  const { bytes, end } = cursor;
  let pos = cursor.pos;
  if (pos >= end) return refuseVarint(cursor, "the value ends inside a number");
  let byte = bytes[pos++] as number;
  if (byte < 0x80) {
    cursor.pos = pos;
    return (byte >> 1) ^ -(byte & 1);
  }
  let low = byte & 0x7f;
  for (let shift = 7; shift < 28; shift += 7) {
    if (pos >= end) return refuseVarint(cursor, "the value ends inside a number");
    byte = bytes[pos++] as number;
    low |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor.pos = pos;
      return (low >> 1) ^ -(low & 1);
    }
  }
  let sum = low;
  let factor = 268_435_456;
  for (let count = 4; count < VARINT_BYTES_MAX; count += 1) {
    if (pos >= end) return refuseVarint(cursor, "the value ends inside a number");
    byte = bytes[pos++] as number;
    sum += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) {
      const negative = (low & 1) === 1;
      // From 2^53 on the sum is rounded, and the sign in its lowest bit may be gone.
      if (sum > (negative ? -2 * LONG_MIN - 1 : 2 * LONG_MAX))
        return refuseVarint(cursor, "a number beyond 2^53, or below -2^52");
      cursor.pos = pos;
      return negative ? -(sum + 1) / 2 : sum / 2;
    }
  }
  return refuseVarint(cursor, `a number of more than ${VARINT_BYTES_MAX} bytes`);
}

function refuseVarint(cursor: Cursor, why: string): number {
  refuse(cursor, why);
  return Number.NaN;
}

function walkBoolean(cursor: Cursor): boolean {
  if (cursor.pos >= cursor.end) return refuse(cursor, "the value ends before a boolean");
  if ((cursor.bytes[cursor.pos] as number) > 1) return refuse(cursor, "a boolean that is neither 0 nor 1");
  cursor.pos += 1;
  return true;
}

function walkInt(cursor: Cursor): boolean {
  const value = readVarint(cursor);
  if (value >= INT_MIN && value <= INT_MAX) return true;
  return Number.isNaN(value) ? false : refuse(cursor, "an int of more than 32 bits");
}

function walkLong(cursor: Cursor): boolean {
  return !Number.isNaN(readVarint(cursor));
}

function walkFixed(size: number): Walk {
  return (cursor) => {
    if (cursor.end - cursor.pos < size) return refuse(cursor, `${size} bytes wanted, ${cursor.end - cursor.pos} left`);
    cursor.pos += size;
    return true;
  };
}

function readLength(cursor: Cursor): number {
  const length = readVarint(cursor);
  if (length >= 0 && length <= cursor.end - cursor.pos) return length;
  if (!Number.isNaN(length)) refuse(cursor, `a length of ${length} bytes, ${cursor.end - cursor.pos} left`);
  return -1;
}

function walkBytes(cursor: Cursor): boolean {
  const length = readLength(cursor);
  if (length < 0) return false;
  cursor.pos += length;
  return true;
}

function walkString(cursor: Cursor): boolean {
  const length = readLength(cursor);
  return length < 0 ? false : walkText(cursor, length);
}

/** Most strings of ours are short and ASCII: looking at the bytes costs less than a call out of JavaScript. */
const ASCII_LOOP_BYTES_MAX = 64;

function walkText(cursor: Cursor, length: number): boolean {
  const { bytes } = cursor;
  let pos = cursor.pos;
  const stop = pos + length;
  if (length <= ASCII_LOOP_BYTES_MAX) while (pos < stop && (bytes[pos] as number) < 0x80) pos += 1;
  if (pos < stop && !isUtf8(bytes.subarray(pos, stop))) return refuse(cursor, "a string that is not UTF-8");
  cursor.pos = stop;
  return true;
}

function walkEnum(symbols: number): Walk {
  return (cursor) => {
    const index = readVarint(cursor);
    if (index >= 0 && index < symbols) return true;
    return Number.isNaN(index) ? false : refuse(cursor, `enum symbol ${index} of ${symbols}`);
  };
}

function walkUnion(branches: readonly Walk[]): Walk {
  return (cursor) => {
    const index = readVarint(cursor);
    const branch = branches[index];
    if (branch !== undefined) return branch(cursor);
    return Number.isNaN(index) ? false : refuse(cursor, `union branch ${index} of ${branches.length}`);
  };
}

/** ["null", T], the shape of nearly every optional field: one comparison where it is absent. */
function walkNullable(walk: Walk): Walk {
  return (cursor) => {
    const index = cursor.pos < cursor.end ? (cursor.bytes[cursor.pos] as number) : -1;
    if (index === 0) {
      cursor.pos += 1;
      return true;
    }
    if (index === 2) {
      cursor.pos += 1;
      return walk(cursor);
    }
    // Out of bytes, out of range, or 0 and 1 written in more bytes than they need.
    const branch = readVarint(cursor);
    if (branch === 0) return true;
    if (branch === 1) return walk(cursor);
    return Number.isNaN(branch) ? false : refuse(cursor, `union branch ${branch} of 2`);
  };
}

function enter(cursor: Cursor): boolean {
  cursor.depth += 1;
  return cursor.depth <= DEPTH_MAX || refuse(cursor, `more than ${DEPTH_MAX} levels`);
}

function walkRecord(fields: readonly Walk[]): Walk {
  const count = fields.length;
  return (cursor) => {
    if (!enter(cursor)) return false;
    for (let i = 0; i < count; i += 1) if (!(fields[i] as Walk)(cursor)) return false;
    cursor.depth -= 1;
    return true;
  };
}

/** Arrays and maps: blocks of a count and that many items, until a count of 0; a negative count has its size in bytes behind it. */
function walkBlocks(item: Compiled, keyed: boolean): Walk {
  const sizeMin = item.sizeMin + (keyed ? 1 : 0);
  return (cursor) => {
    if (!enter(cursor)) return false;
    for (;;) {
      let count = readVarint(cursor);
      if (count === 0) break;
      if (Number.isNaN(count)) return false;
      let blockEnd = -1;
      if (count < 0) {
        count = -count;
        const size = readLength(cursor);
        if (size < 0) return false;
        blockEnd = cursor.pos + size;
      }
      if (count * sizeMin > cursor.end - cursor.pos)
        return refuse(cursor, `${count} items claimed, ${cursor.end - cursor.pos} bytes left`);
      if (count > cursor.itemsLeft) return refuse(cursor, `more than ${ITEMS_MAX} items`);
      cursor.itemsLeft -= count;
      for (; count > 0; count -= 1) {
        const start = cursor.pos;
        if (keyed && !walkKey(cursor)) return false;
        if (!item.walk(cursor)) return false;
        if (cursor.pos === start && --cursor.zeroSizeItemsLeft < 0)
          return refuse(cursor, `more than ${ZERO_SIZE_ITEMS_MAX} items without a byte`);
      }
      if (blockEnd !== -1 && cursor.pos !== blockEnd)
        return refuse(cursor, "a block whose size is not that of its items");
    }
    cursor.depth -= 1;
    return true;
  };
}

const PROTO = Buffer.from("__proto__");

function walkKey(cursor: Cursor): boolean {
  const length = readLength(cursor);
  if (length < 0) return false;
  if (length === PROTO.length && cursor.bytes.compare(PROTO, 0, length, cursor.pos, cursor.pos + length) === 0)
    return refuse(cursor, "a map key __proto__");
  return walkText(cursor, length);
}
