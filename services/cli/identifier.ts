// Identifiers on the command line: how they are written.

import { UsageError } from "./failure.ts";

export const IDENTIFIER_HELP = "namespace:value, as email:ana@example.com or phone:0612345678";

export function parseIdentifier(text: string): { readonly namespace: string; readonly value: string } {
  const cut = text.indexOf(":");
  if (cut < 1) throw new UsageError(`an identifier is written ${IDENTIFIER_HELP}`);
  return { namespace: text.slice(0, cut), value: text.slice(cut + 1) };
}
