// Who may be listened to: this machine's own, or others under conditions.

import { isIP } from "node:net";

/** Refused before anything is opened: whoever is near could read what is meant for few. */
export class InsecureListen extends Error {
  readonly code = "insecure-listen";
}

export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** Of a server that listens. */
export function formatOrigin(protocol: "http" | "https", { address, port }: { address: string; port: number }): string {
  return `${protocol}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}
