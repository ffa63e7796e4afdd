// Consents per purpose and channel, as authenticated events say: under one identifier the latest holds, and of a tie the
// refusal; between identifiers the refusal (viewConsents). What was claimed counts for nothing (I5), a grant without proof
// where its purpose needs one is none.

import { areCompanions, type Companion } from "./companion.ts";
import { compareText } from "./comparison.ts";
import { type ChannelEvent, OCCURRED_AHEAD_MAX_MS } from "./event.ts";
import { compareTold, classedKey, cutText, listRegisters, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling, Told } from "./facet.ts";
import type { EventItem } from "./item.ts";
import type { Registry } from "./registry.ts";

export const CONSENTS_MAX = 64;

export interface Consent extends Told {
  readonly purpose: string;
  /** null: whatever the channel. */
  readonly channel: string | null;
  readonly granted: boolean;
  readonly proof: string | null;
  /** Key of the identifier that it is kept under. */
  readonly anchor: string;
}

/** What was told of one purpose and channel: the latest word under each identifier, by its key. */
export interface Said extends Pick<Consent, "purpose" | "channel"> {
  readonly words: readonly Consent[];
}

/** What is left out beyond the limit is not granted. */
export const CONSENT_RULES: RegisterRules<Said> = {
  join: (a, b) => ({ ...a, words: joinWords(a.words, b.words) }),
  max: CONSENTS_MAX,
  keep: "first",
  classed: true,
  limit: "consents",
};

function joinWords(a: readonly Consent[], b: readonly Consent[]): readonly Consent[] {
  const words = new Map(a.map((word) => [word.anchor, word]));
  for (const word of b) {
    const present = words.get(word.anchor);
    if (present === undefined || compareConsents(word, present) > 0) words.set(word.anchor, word);
  }
  return [...words.values()].sort((x, y) => compareText(x.anchor, y.anchor));
}

function compareConsents(a: Consent, b: Consent): number {
  return (
    a.at - b.at ||
    Number(b.granted) - Number(a.granted) ||
    compareTold(a, b) ||
    compareText(a.proof ?? "", b.proof ?? "")
  );
}

/** Whether something later is known already of where the word would be kept. */
export function isSuperseded(said: Said | undefined, word: Consent): boolean {
  return said?.words.some((one) => one.anchor === word.anchor && compareConsents(one, word) >= 0) === true;
}

export function consentKey({ purpose, channel }: Pick<Consent, "purpose" | "channel">): string {
  return classedKey(true, purpose, ...(channel === null ? [] : [channel]));
}

export function gatherConsents(told: readonly Consent[]): Registers<Said> {
  if (told.length === 0) return NOTHING_TOLD;
  const consents = new Map<string, Said>();
  for (const word of told) {
    const { purpose, channel } = word;
    const said = { purpose, channel, words: [word] };
    const present = consents.get(consentKey(word));
    consents.set(consentKey(word), present === undefined ? said : CONSENT_RULES.join(present, said));
  }
  return consents;
}

/** Of an event that says to be of the future no grant is taken: it would outlast what she says in the meantime. */
export function readConsents(
  { told, authenticated, limits }: Telling,
  event: ChannelEvent,
  { anchor, recordedAt }: Pick<EventItem, "anchor" | "recordedAt">,
): Registers<Said> {
  const isAhead = told.at >= recordedAt + OCCURRED_AHEAD_MAX_MS;
  const parts = event.consents?.filter(({ granted }) => !granted || !isAhead) ?? [];
  if (parts.length === 0 || !authenticated) return NOTHING_TOLD;
  return gatherConsents(
    parts.map(({ purpose, channel, granted, proof }) => {
      const named = typeof channel === "string" && channel !== "" ? cutText(channel, limits) : null;
      const shown = typeof proof === "string" && proof !== "" ? cutText(proof, limits) : null;
      return { ...told, purpose: cutText(purpose, limits), channel: named, granted, proof: shown, anchor };
    }),
  );
}

export type ConsentView = Pick<Consent, "purpose" | "channel" | "granted" | "at" | "source" | "proof">;

/** What a person's consents are read of. */
export interface ToldConsents {
  readonly consents: Registers<Said>;
  readonly companions: Registers<Companion>;
}

/** What of a person's words on one purpose and channel counts. */
interface Weighed extends Pick<Consent, "purpose" | "channel"> {
  readonly grants: readonly Consent[];
  /** What stands against them. */
  readonly standing: readonly Consent[];
}

/**
 * Who has refused under any of her identifiers has refused, until she consents later, and under one that was hers together
 * with that one by then: of a merge the strict side. A general refusal that a later consent to the channel does not end
 * ends that consent too, whatever identifier either was told under.
 */
function weighConsents({ configuration }: Registry, { consents, companions }: ToldConsents): Weighed[] {
  const isGrant = ({ purpose, granted, proof }: Consent) =>
    granted && (proof !== null || configuration.purposesWithoutProof.includes(purpose));
  const isEnded = (refusal: Consent, grants: readonly Consent[]) =>
    grants.some(({ at, anchor }) => at > refusal.at && areCompanions(companions, anchor, refusal.anchor, at));
  const listStanding = (words: readonly Consent[], grants: readonly Consent[]) =>
    words.filter((word) => !isGrant(word) && !isEnded(word, grants));
  return listRegisters(consents).map(({ purpose, channel, words }) => {
    const grants = words.filter(isGrant);
    const general = channel === null ? [] : (consents.get(consentKey({ purpose, channel: null }))?.words ?? []);
    const overruling = listStanding(general, general.filter(isGrant)).filter(
      (refusal) => grants.some(({ at }) => at > refusal.at) && !isEnded(refusal, grants),
    );
    return { purpose, channel, grants, standing: [...listStanding(words, grants), ...overruling] };
  });
}

export function viewConsents(registry: Registry, told: ToldConsents): ConsentView[] {
  return weighConsents(registry, told).map(({ purpose, channel, grants, standing }) => {
    const granted = standing.length === 0;
    const { at, source, proof } = (granted ? grants : standing).reduce((a, b) => (compareConsents(a, b) > 0 ? a : b));
    return { purpose, channel, granted, at, source, proof };
  });
}

/** What she said no to, under any of her identifiers, and has not consented to since. */
export function listRefused(registry: Registry, told: ToldConsents): Pick<Consent, "purpose" | "channel">[] {
  return weighConsents(registry, told)
    .filter(({ standing }) => standing.some(({ granted }) => !granted))
    .map(({ purpose, channel }) => ({ purpose, channel }));
}
