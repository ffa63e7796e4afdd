// What the command line says to who is not used to it, the same of every verb: a name that there is not is told with the
// nearest, and what is missing all at once.

import { type Command, CommanderError } from "commander";
import { formatSuggestion } from "#services/config/suggestion.ts";

/** Of a verb and all below it. */
export function explainUsage(verb: Command): void {
  const isGroup = verb.commands.length > 0;
  for (const below of verb.commands) explainUsage(below);
  if (isGroup) {
    refuseMisspelt(verb);
    addHelp(verb);
  }
  verb.exitOverride((error) => {
    throw isAboutMissing(error) ? nameMissing(verb, error) : error;
  });
}

/** A group that does something by default takes a misspelt verb of its own for an argument of that. */
function refuseMisspelt(group: Command): void {
  group.hook("preSubcommand", ({ args: [given = ""] }, verb) => {
    if (given === "" || given.startsWith("-") || verb.registeredArguments.length > 0) return;
    findVerb(group, given);
  });
}

/** Commander's own takes any word, and prints the help of the group. */
function addHelp(group: Command): void {
  group
    .command("help")
    .argument("[command...]")
    .description("display help for command")
    .action((names: readonly string[]) => {
      let verb = group;
      for (const name of names) verb = findVerb(verb, name);
      verb.help();
    });
}

function findVerb(group: Command, given: string): Command {
  const verb = group.commands.find((one) => one.name() === given);
  if (verb !== undefined) return verb;
  const names = group.commands.map((one) => one.name());
  return group.error(`error: unknown command '${given}'${formatSuggestion(given, names)}`);
}

function isAboutMissing({ code }: CommanderError): boolean {
  return code === "commander.missingMandatoryOptionValue" || code === "commander.missingArgument";
}

/** Commander stops at the first that is missing, and before it looks whether one is there under a misspelt name. */
function nameMissing(verb: Command, { exitCode, code }: CommanderError): CommanderError {
  const misspelt = verb.args.find((given) => /^--?[a-z]/i.test(given));
  if (misspelt !== undefined) {
    const [given = ""] = misspelt.split("=");
    const known = verb
      .createHelp()
      .visibleOptions(verb)
      .flatMap(({ long }) => long ?? []);
    return new CommanderError(exitCode, code, `unknown option '${given}'${formatSuggestion(given, known)}`);
  }
  const words = verb.registeredArguments.filter((one, place) => one.required && verb.args[place] === undefined);
  const options = verb.options.filter((one) => one.mandatory && verb.getOptionValue(one.attributeName()) === undefined);
  const missing = [
    ...listNames(
      "argument",
      words.map((one) => one.name()),
    ),
    ...listNames(
      "option",
      options.map(({ flags }) => flags),
    ),
  ];
  return new CommanderError(exitCode, code, `missing required ${missing.join(" and ")}`);
}

function listNames(kind: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${kind}${names.length === 1 ? "" : "s"} ${names.map((name) => `'${name}'`).join(", ")}`];
}
