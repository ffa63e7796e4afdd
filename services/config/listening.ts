// Who may be listened to: this machine's own, or others under conditions.

import { readFileSync } from "node:fs";
import { isIP } from "node:net";

/** Refused before anything is opened: whoever is near could read what is meant for few. */
export class InsecureListen extends Error {
  readonly code = "insecure-listen";
}

export class TlsUnreadable extends Error {
  readonly code = "tls-unreadable";
}

/** PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** What a server that speaks TLS is made with; null: it speaks none. Throws TlsUnreadable. */
export function readTls(files: TlsFiles | undefined) {
  if (files === undefined) return null;
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch {
      throw new TlsUnreadable(`${path} cannot be read`);
    }
  };
  return { cert: read(files.certificate), key: read(files.privateKey), minVersion: "TLSv1.2" } as const;
}

export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** Of a server that listens. */
export function formatOrigin(protocol: "http" | "https", { address, port }: { address: string; port: number }): string {
  return `${protocol}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}
