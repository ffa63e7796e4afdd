// A body as JSON, within limits that hold before anything looks at it: how deep, how many keys, no key that reaches a
// prototype. What is wrong is said without repeating any of it.

import { refuse } from "./problem.ts";

export const BODY_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 16;
const KEYS_MAX = 500;
/** Of anything: elements of lists count too. */
const VALUES_MAX = 5000;
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

export function parseBody(text: string): unknown {
  scan(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the body.
    throw refuse("body", "not JSON");
  }
  checkKeys(value);
  return value;
}

/** One pass over the text, so that a hostile one never becomes objects. */
function scan(text: string): void {
  let [depth, keys, values, inText] = [0, 0, 1, false];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inText = false;
      continue;
    }
    if (code === 0x22) inText = true;
    else if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x7d || code === 0x5d) depth -= 1;
    else if (code === 0x3a) keys += 1;
    else if (code === 0x2c) values += 1;
    if (depth > DEPTH_MAX) throw refuse("body", `deeper than ${DEPTH_MAX}`);
    if (keys > KEYS_MAX) throw refuse("body", `more than ${KEYS_MAX} keys`);
    if (values > VALUES_MAX) throw refuse("body", `more than ${VALUES_MAX} values`);
  }
}

function checkKeys(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    if (FORBIDDEN_KEYS.has(key)) throw refuse("body", "a key that no object may have");
    checkKeys((value as Record<string, unknown>)[key]);
  }
}
