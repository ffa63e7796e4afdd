// Exact decimals for money: a whole number and how many of its digits stand behind the point. No float anywhere.

export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

const DECIMAL_POINT = /^([+-]?)(\d{1,20})(?:\.(\d{1,10}))?$/;
const DECIMAL_COMMA = /^([+-]?)(\d{1,20})(?:,(\d{1,10}))?$/;

/** Plain notation only; more than 30 digits is no amount of money. */
export function parseDecimal(text: string, mark = "."): Decimal | undefined {
  const match = (mark === "," ? DECIMAL_COMMA : DECIMAL_POINT).exec(text);
  if (!match) return undefined;
  const [, sign, whole = "", fraction = ""] = match;
  const units = BigInt(whole + fraction);
  return { units: sign === "-" ? -units : units, scale: fraction.length };
}

/** A whole number, however it is written: 6, 6.0, -1. */
export function parseWhole(text: string): number | undefined {
  const match = /^([+-]?\d{1,15})(?:\.0*)?$/.exec(text);
  return match ? Number(match[1]) || 0 : undefined;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.scale === b.scale) return { units: a.units + b.units, scale: a.scale };
  const scale = Math.max(a.scale, b.scale);
  return { units: raise(a, scale) + raise(b, scale), scale };
}

export function multiplyDecimal(a: Decimal, times: number): Decimal {
  return { units: a.units * BigInt(times), scale: a.scale };
}

/**
 * Half-up as in Java and Excel: a half goes away from zero, so that a return undoes its order to the last cent.
 * Undefined where the result is no safe integer.
 */
export function roundToMinor(value: Decimal, digits: number): number | undefined {
  let minor: bigint;
  if (value.scale <= digits) minor = raise(value, digits);
  else {
    const divisor = 10n ** BigInt(value.scale - digits);
    const positive = value.units < 0n ? -value.units : value.units;
    const rounded = (positive * 2n + divisor) / (divisor * 2n);
    minor = value.units < 0n ? -rounded : rounded;
  }
  const result = Number(minor);
  return Number.isSafeInteger(result) ? result : undefined;
}

function raise(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}

/** Digits of the minor unit, ISO 4217: two, save for these. */
const OTHER_DIGITS: ReadonlyMap<string, number> = new Map([
  ...[
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
  ].map((code) => [code, 0] as const),
  ...["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"].map((code) => [code, 3] as const),
]);

export function minorDigits(currency: string): number {
  return OTHER_DIGITS.get(currency) ?? 2;
}
