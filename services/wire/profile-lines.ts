// The lines of profiles.jsonl and their digest: what two ways to the same people are compared by.

import { createHash } from "node:crypto";
import type { ProfileLine } from "./profile-reader.ts";

/** A JSON object a line, by profileId. Holds no version and no record time, so it is the digest's text as it stands. */
export function formatProfiles(profiles: readonly ProfileLine[]): string {
  return profiles.map((profile) => `${JSON.stringify(profile)}\n`).join("");
}

export function digestProfiles(profiles: readonly ProfileLine[]): string {
  return createHash("sha256").update(formatProfiles(profiles)).digest("hex");
}
