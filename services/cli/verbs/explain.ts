// weft explain: why identifiers are one person, and why two are not (I7).

import type { Command } from "commander";
import type { Component, Evidence } from "#core/component.ts";
import {
  explainProfile,
  explainSeparation,
  findChain,
  type Link,
  type LinkRule,
  type Obstacle,
  type Separation,
  type Standing,
} from "#core/explanation.ts";
import type { Registry } from "#core/registry.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { findIdentifier, type LookupServices } from "#services/wire/lookup.ts";
import { EXIT } from "../failure.ts";
import { IDENTIFIER_HELP, mask, parseIdentifier } from "../identifier.ts";
import type { CommonOptions } from "../program.ts";
import { openRuntime } from "../runtime.ts";

interface ExplainOptions extends CommonOptions {
  readonly pii?: boolean;
}

export function registerExplain(program: Command): void {
  program
    .command("explain")
    .description("why an identifier's person is one person; with two: the chain between them, or why they are apart")
    .argument("<identifier>", IDENTIFIER_HELP)
    .argument("[other]", "a second identifier")
    .option("--pii", "show values of identifiers; without it they are masked")
    .action(async (identifier: string, other: string | undefined, _options: unknown, command: Command) =>
      explain(identifier, other ?? null, command.optsWithGlobals<ExplainOptions>()),
    );
}

const RULES: Readonly<Record<LinkRule, string>> = {
  "strong-evidence": "asserted together",
  "sole-strong-claimant": "asserted together, and by nobody else's",
  "sole-claimant": "seen together, and with nobody else",
  cluster: "seen together",
  followed: "seen together, and followed to whom that one is claimed by",
};

const REASONS: Readonly<Record<Obstacle, string>> = {
  "no-evidence": "no event has named both, nor any other two identifiers of theirs",
  "held-apart": "an operator holds them apart",
  "claims-only":
    "they were named together, but with less assurance than it takes; a claim never joins two known people",
  "unique-namespace": "they were asserted together, but each has a value of its own where a person has one",
  limit: "the profile of one has as many values of a namespace as `valuesMax` allows",
  quarantined: "one of them is tied to so many people that it links nothing any more",
  contested: "one of them is claimed by several people, so it is nobody's",
  pending: "the home of the other end has not said yet whose it is",
};

function propose(
  { configuration }: Registry,
  { obstacle, namespaces }: Separation,
  one: Standing,
  other: Standing,
): string {
  if (obstacle === "held-apart") return "what was ruled lifted: `weft split ... --undo`";
  if (obstacle === "quarantined" || obstacle === "contested")
    return "all but one of its ties taken back; another event does not help";
  if (obstacle === "limit") return "a value less on the profile, or a larger `valuesMax` of the namespace";
  if (obstacle === "pending") return "nothing: ask again in a moment";
  if (namespaces.length > 0)
    return `nothing as they stand: each has its own ${namespaces.join(" and ")}; one has to be declared the other's replacement`;
  const [a, b] = [one.entry.namespace, other.entry.namespace];
  return `one event of a source that asserts ${a} and ${b} together, both with at least \`${configuration.joinAssurance}\``;
}

async function explain(
  first: string,
  second: string | null,
  { config, embedded = false, json = false, pii = false }: ExplainOptions,
): Promise<void> {
  const named = [first, ...(second === null ? [] : [second])].map(parseIdentifier);
  const loaded = loadConfiguration(config);
  const runtime = await openRuntime(loaded, { embedded });
  try {
    const { engine, index, store } = runtime;
    const services: LookupServices = { engine, index, store, shards: loaded.deployment.engine.shards };
    const country = loaded.configuration.sources[0]?.country ?? "FR";
    const standings: Standing[] = [];
    for (const { namespace, value } of named) {
      const found = await findIdentifier(services, namespace, value, country);
      if (found.found) standings.push(found);
      else {
        process.stdout.write(json ? `${JSON.stringify(found)}\n` : `${namespace}: ${found.reason}\n`);
        process.exitCode = EXIT.failed;
        return;
      }
    }
    const print = new Printer(pii);
    const [one, other = null] = standings as [Standing, Standing?];
    const { registry } = engine;
    const isOne = other === null || (other.component.id === one.component.id && sharesProfile(one, other));
    if (!isOne) {
      const separation = explainSeparation(registry, one, other);
      const change = propose(registry, separation, one, other);
      const evidence = separation.evidence.map((piece) => print.evidence(one, other, piece));
      const result = { one: false, obstacle: separation.obstacle, namespaces: separation.namespaces, evidence, change };
      const lines = [
        `two people: ${REASONS[separation.obstacle]}`,
        ...evidence.map(print.line),
        `to join them: ${change}`,
      ];
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${lines.join("\n")}\n`);
      return;
    }
    const { profile } = one.entry;
    const record = profile === null ? null : (one.component.profiles.get(profile) ?? null);
    const all = profile === null ? [] : explainProfile(registry, one.component, profile);
    const links = other === null ? all : findChain(all, one.entry.key, other.entry.key);
    const shown = links.map((link) => print.link(one, link));
    const heading =
      record === null
        ? `on no profile: ${REASONS[one.entry.state === "quarantined" ? "quarantined" : "contested"]}`
        : links.length === 0
          ? `profile ${record.id}: one identifier, nothing to link`
          : `profile ${record.id}: one person by ${links.length} piece${links.length === 1 ? "" : "s"} of evidence`;
    const result = { one: true, profileId: record?.id ?? null, state: one.entry.state, links: shown };
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${[heading, ...shown.map(print.line)].join("\n")}\n`);
  } finally {
    await runtime.close();
  }
}

function sharesProfile(one: Standing, other: Standing): boolean {
  return one.entry.key === other.entry.key || (one.entry.profile !== null && one.entry.profile === other.entry.profile);
}

interface PrintedEvidence {
  readonly a: string;
  readonly b: string;
  readonly source: string;
  readonly assurance: string;
  readonly at: string;
  readonly eventId: string;
  readonly rule?: LinkRule;
}

class Printer {
  readonly #pii: boolean;

  constructor(pii: boolean) {
    this.#pii = pii;
  }

  link(one: Standing, { rule, evidence }: Link): PrintedEvidence {
    return { ...this.evidence(one, one, evidence), rule };
  }

  evidence(one: Standing, other: Standing, { a, b, source, assurance, stamp }: Evidence): PrintedEvidence {
    const name = (key: string) => this.#name([one.component, other.component], key);
    const at = new Date(stamp.t).toISOString();
    return { a: name(a), b: name(b), source, assurance, at, eventId: stamp.eventId };
  }

  #name(components: readonly Component[], key: string): string {
    for (const { identifiers } of components) {
      const entry = identifiers.get(key);
      if (entry !== undefined) return `${entry.namespace}:${this.#pii ? entry.value : mask(entry.value)}`;
    }
    return "an identifier at another home";
  }

  readonly line = ({ a, b, source, assurance, at, eventId, rule }: PrintedEvidence): string =>
    `  ${a} with ${b}: ${rule === undefined ? "named together" : RULES[rule]} (${assurance}, ${source}, ${at}, event ${eventId})`;
}
