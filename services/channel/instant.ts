// Times as files write them, to epoch milliseconds. Nothing here depends on the zone of the machine.

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** ISO 8601 date and time; without an offset it is UTC, and a date alone is its first instant. */
export function parseIsoTime(text: string): number | undefined {
  const match = ISO.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", offset = "Z"] = match;
  const ms = Number(fraction.padEnd(3, "0").slice(0, 3));
  const wall = wallClock(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second), ms);
  const ahead = parseOffset(offset);
  return wall === undefined || ahead === undefined ? undefined : wall - ahead;
}

function parseOffset(offset: string): number | undefined {
  if (/^z$/i.test(offset)) return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(":", "") || "0");
  if (hours > 18 || minutes > 59) return undefined;
  return (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** The instant at which a clock in UTC shows this; undefined for a 30th of February. */
function wallClock(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  ms: number,
): number | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.setUTCHours(hour, minute, second, ms);
}

const TOKENS: Readonly<Record<string, string>> = {
  yyyy: "\\d{4}",
  MM: "\\d{2}",
  dd: "\\d{2}",
  HH: "\\d{2}",
  mm: "\\d{2}",
  ss: "\\d{2}",
  SSS: "\\d{3}",
  M: "\\d{1,2}",
  d: "\\d{1,2}",
  H: "\\d{1,2}",
};
const PLACES: Readonly<Record<string, number>> = {
  yyyy: 0,
  MM: 1,
  M: 1,
  dd: 2,
  d: 2,
  HH: 3,
  H: 3,
  mm: 4,
  ss: 5,
  SSS: 6,
};

/** A reader of one format in one zone. Files repeat the same time line after line, so the last one is remembered. */
export function createTimeReader(format: string, zone: string): (text: string) => number | undefined {
  const order: number[] = [];
  const pattern = format.replace(/yyyy|SSS|MM|dd|HH|mm|ss|M|d|H|[\s\S]/g, (token) => {
    const digits = TOKENS[token];
    if (digits === undefined) return token.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    order.push(PLACES[token] ?? 0);
    return `(${digits})`;
  });
  const expression = new RegExp(`^${pattern}$`);
  const toInstant = createZoneReader(zone);
  let lastText: string | undefined;
  let lastInstant: number | undefined;
  return (text) => {
    if (text === lastText) return lastInstant;
    const match = expression.exec(text);
    const parts = [0, 1, 1, 0, 0, 0, 0];
    for (const [index, place] of order.entries()) parts[place] = Number(match?.[index + 1]);
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = parts;
    const wall = match === null ? undefined : wallClock(year, month, day, hour, minute, second, ms);
    lastText = text;
    lastInstant = wall === undefined ? undefined : toInstant(wall);
    return lastInstant;
  };
}

/** Wall-clock time of a zone to the instant: the earlier one where a change of clock repeats it, moved on where it is skipped. */
function createZoneReader(zone: string): (wall: number) => number {
  if (zone === "UTC") return (wall) => wall;
  const formatter = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const offsetAt = (instant: number) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of formatter.formatToParts(instant)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
  };
  return (wall) => {
    const before = offsetAt(wall - 86_400_000);
    const after = offsetAt(wall + 86_400_000);
    const instants = [wall - before, wall - after].filter((instant) => offsetAt(instant) === wall - instant);
    return instants.length === 0 ? wall - before : Math.min(...instants);
  };
}
