// Identifiers on the command line: how they are written, and how they are shown to whoever may not see them.

import { UsageError } from "./failure.ts";

export const IDENTIFIER_HELP = "namespace:value, as email:ana@example.com or phone:0612345678";

export function parseIdentifier(text: string): { readonly namespace: string; readonly value: string } {
  const cut = text.indexOf(":");
  if (cut < 1) throw new UsageError(`an identifier is written ${IDENTIFIER_HELP}`);
  return { namespace: text.slice(0, cut), value: text.slice(cut + 1) };
}

/** First letter and length: enough to recognise, too little to tell. */
export function mask(value: string): string {
  return value.length === 0 ? "" : `${value.slice(0, 1)}${"*".repeat(Math.min(7, value.length - 1))}`;
}
