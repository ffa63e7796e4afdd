// What tells rule sets apart.

import { createHash } from "node:crypto";

export function digestRules(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
