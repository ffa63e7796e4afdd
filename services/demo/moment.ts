// The calendar of the story: one week in March, all times UTC, so that every machine tells the same.

export const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** A Monday. */
const START_MS = Date.UTC(2026, 2, 2);
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June"];

/** `on("Mon 09:14")`. */
export function on(moment: string): number {
  const [day = "", time = ""] = moment.split(" ");
  const [hours = Number.NaN, minutes = Number.NaN] = time.split(":").map(Number);
  const ms = START_MS + DAYS.indexOf(day) * DAY_MS + (hours * 60 + minutes) * MINUTE_MS;
  if (Number.isNaN(ms) || ms < START_MS) throw new Error(`not a moment of the story: ${moment}`);
  return ms;
}

export function formatTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

/** `Monday 2 March`. */
export function formatDay(ms: number): string {
  const date = new Date(ms);
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** `Fri 18:52`. */
export function formatMoment(ms: number): string {
  return `${WEEKDAYS[new Date(ms).getUTCDay()]?.slice(0, 3)} ${formatTime(ms)}`;
}

/** To the second: the clock of the story moves on by milliseconds while the engine comes to rest. */
export function formatIso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
