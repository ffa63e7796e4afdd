// How Kafka and Redis are reached: certificates and passwords out of the files that the configuration names. A password is
// a Secret from here on.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Secret } from "#ports/secret.ts";
import type { TlsMaterial } from "#ports/transport.ts";
import type { ProblemCode } from "./problem.ts";

export interface Transport {
  readonly tls?: TlsMaterial;
  readonly username?: string;
  readonly password?: Secret;
}

interface TransportFile {
  readonly tls?: Partial<Readonly<Record<"ca" | "certificate" | "privateKey", string | undefined>>> | undefined;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
}

type Report = (code: ProblemCode, key: readonly string[], message: string) => void;

export function readTransport(
  { tls, username, passwordFile }: TransportFile,
  folder: string,
  report: Report,
): Transport {
  const read = (key: readonly string[], path: string | undefined): string | undefined => {
    if (path === undefined) return undefined;
    try {
      return readFileSync(resolve(folder, path), "utf8");
    } catch {
      report("file-unreadable", key, `${path} cannot be read`);
      return undefined;
    }
  };
  if (tls !== undefined && (tls.certificate === undefined) !== (tls.privateKey === undefined))
    report("missing-key", ["tls"], "expected certificate and privateKey together");
  const [ca, cert, key] = [
    read(["tls", "ca"], tls?.ca),
    read(["tls", "certificate"], tls?.certificate),
    read(["tls", "privateKey"], tls?.privateKey),
  ];
  // As editors and `echo` leave it.
  const password = read(["passwordFile"], passwordFile)?.replace(/[\r\n]+$/, "");
  return {
    ...(tls === undefined ? {} : { tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: new Secret(password) }),
  };
}
