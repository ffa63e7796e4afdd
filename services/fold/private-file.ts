// Files that say something of people are for whoever had them written, whatever the umask and whatever was there.

import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync, writeFileSync } from "node:fs";

const OWNERS_ALONE = 0o600;

export function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

export function writePrivateFile(file: string, text: string): void {
  const descriptor = openSync(file, "w", OWNERS_ALONE);
  try {
    // One that was there keeps its rights, and a device has its own.
    if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, OWNERS_ALONE);
    writeFileSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}
