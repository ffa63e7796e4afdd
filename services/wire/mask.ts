// How a personal value is shown to whoever may not see it.

/** Too short to leave a letter of it. */
const SHORT = 3;

/** In place of a value of any other kind: of few words (female, gold) a letter or the length would tell which. */
export const HIDDEN = "***";

/** Of an identifier or a contact point first letter and length: enough to recognise, too little to tell. */
export function mask(value: string): string {
  if (value.length <= SHORT) return "*".repeat(value.length);
  return `${value.slice(0, 1)}${"*".repeat(Math.min(7, value.length - 1))}`;
}
