// Consents per purpose and channel, as authenticated events say: the latest holds, and of a tie the refusal. What was
// claimed counts for nothing (I5), a grant without proof where its purpose needs one is none.

import { compareText } from "./comparison.ts";
import type { ChannelEvent } from "./event.ts";
import { compareTold, classedKey, cutText, listRegisters, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling, Told } from "./facet.ts";
import type { Registry } from "./registry.ts";

export const CONSENTS_MAX = 64;

export interface Consent extends Told {
  readonly purpose: string;
  /** null: whatever the channel. */
  readonly channel: string | null;
  readonly granted: boolean;
  readonly proof: string | null;
}

/** What is left out beyond the limit is not granted. */
export const CONSENT_RULES: RegisterRules<Consent> = {
  join: (a, b) => (compareConsents(a, b) >= 0 ? a : b),
  max: CONSENTS_MAX,
  keep: "first",
  classed: true,
  limit: "consents",
};

function compareConsents(a: Consent, b: Consent): number {
  return (
    a.at - b.at ||
    Number(b.granted) - Number(a.granted) ||
    compareTold(a, b) ||
    compareText(a.proof ?? "", b.proof ?? "")
  );
}

export function consentKey({ purpose, channel }: Consent): string {
  return classedKey(true, purpose, ...(channel === null ? [] : [channel]));
}

export function readConsents({ told, authenticated, limits }: Telling, event: ChannelEvent): Registers<Consent> {
  const parts = event.consents ?? [];
  if (parts.length === 0 || !authenticated) return NOTHING_TOLD;
  const consents = new Map<string, Consent>();
  for (const { purpose, channel, granted, proof } of parts) {
    const named = typeof channel === "string" && channel !== "" ? cutText(channel, limits) : null;
    const shown = typeof proof === "string" && proof !== "" ? cutText(proof, limits) : null;
    const consent = { ...told, purpose: cutText(purpose, limits), channel: named, granted, proof: shown };
    const key = consentKey(consent);
    const present = consents.get(key);
    consents.set(key, present === undefined ? consent : CONSENT_RULES.join(present, consent));
  }
  return consents;
}

export type ConsentView = Pick<Consent, "purpose" | "channel" | "granted" | "at" | "source" | "proof">;

export function viewConsents(registry: Registry, consents: Registers<Consent>): ConsentView[] {
  const free = registry.configuration.purposesWithoutProof;
  return listRegisters(consents).map(({ purpose, channel, granted, at, source, proof }) => {
    const holds = granted && (proof !== null || free.includes(purpose));
    return { purpose, channel, granted: holds, at, source, proof };
  });
}
