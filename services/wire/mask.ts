// How a personal value is shown to whoever may not see it.

/** First letter and length: enough to recognise, too little to tell. */
export function mask(value: string): string {
  return value.length === 0 ? "" : `${value.slice(0, 1)}${"*".repeat(Math.min(7, value.length - 1))}`;
}
