// weft config explain: every key of weft.yaml and of the rules file.

import type { Command } from "commander";
import { explainKeys, type KeyExplanation } from "#services/config/explanation.ts";
import type { CommonOptions } from "../program.ts";

export function registerConfig(program: Command): void {
  program
    .command("config")
    .description("about the configuration")
    .command("explain")
    .description("print every key with its type, default, meaning and environment variable")
    .action((_options: unknown, command: Command) => {
      const keys = explainKeys();
      const { json } = command.optsWithGlobals<CommonOptions>();
      process.stdout.write(json ? keys.map((key) => `${JSON.stringify(key)}\n`).join("") : formatKeys(keys));
    });
}

function formatKeys(keys: readonly KeyExplanation[]): string {
  let file = "";
  return keys
    .map((key) => {
      const heading = key.file === file ? "" : `${file === "" ? "" : "\n"}# ${key.file}\n`;
      file = key.file;
      return `${heading}${formatKey(key)}`;
    })
    .join("");
}

function formatKey({ key, type, required, default: fallback, meaning, environment }: KeyExplanation): string {
  const facts = [type];
  if (required) facts.push("required");
  if (fallback !== undefined) facts.push(`default ${JSON.stringify(fallback)}`);
  if (environment !== undefined) facts.push(`or ${environment}`);
  return `${key}: ${facts.join(", ")}\n    ${meaning}\n`;
}
