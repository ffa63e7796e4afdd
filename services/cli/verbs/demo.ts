// weft demo: a week of a dozen people in a few seconds, over a real log, store and engine in this process. Every line is
// rendered from records read back from the output topics.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { type Command, InvalidArgumentError } from "commander";
import { compareText } from "#core/comparison.ts";
import { answer, answerLookUp } from "#services/demo/answer.ts";
import { Chronicle } from "#services/demo/chronicle.ts";
import { formatDay, formatTime } from "#services/demo/moment.ts";
import { Narrator, type Style } from "#services/demo/narration.ts";
import type { Fact, Question } from "#services/demo/question.ts";
import type { Scene } from "#services/demo/scene.ts";
import { tellStory } from "#services/demo/story.ts";
import { formatSummary, summarise } from "#services/demo/summary.ts";
import { createTraffic, PEOPLE_MAX } from "#services/demo/traffic.ts";
import { topicNames } from "#services/config/topics.ts";
import { compareFoldEvents, Fold } from "#services/fold/fold.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { digestProfiles } from "#services/wire/profile-lines.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { UsageError } from "../failure.ts";
import type { CommonOptions } from "../program.ts";
import { openStage, type Stage, type StagedEvent } from "../stage.ts";

/** What was fed, beside the log: for the verbs that read files. */
const EVENTS_FILE = "events.jsonl";
const HEROINE = "phone:0639980017";

interface DemoOptions extends CommonOptions {
  readonly seed: number;
  readonly people: number;
  readonly keep?: boolean;
}

export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("play a week of a dozen people over a log and a store in this process, and tell what came out")
    .option("--seed <n>", "seed of the passers-by; the story stays the same", parseWhole, 1)
    .option("--people <n>", `passers-by around the story, up to ${PEOPLE_MAX}`, parsePeople, 80)
    .option("--keep", "keep the folder with the log and the store")
    .action(async (_options: unknown, command: Command) => playDemo(program, command.optsWithGlobals<DemoOptions>()));
}

async function playDemo(
  program: Command,
  { config, seed, people, keep = false, json = false, quiet = false }: DemoOptions,
): Promise<void> {
  if (config !== undefined) throw new UsageError("--config: the demo brings a configuration of its own");
  const startedAt = performance.now();
  const stage = await openStage();
  const remove = () => {
    if (!keep) stage.remove();
  };
  // Also where the reader of a pipe has had enough, and at Ctrl-C.
  process.once("exit", remove);
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  try {
    try {
      await playStory(stage, { seed, people, keep, json, quiet });
    } finally {
      await stage.close();
    }
    const lookup = ["--config", stage.configFile, "--embedded", "lookup", HEROINE, "--pii"];
    if (!json)
      process.stdout.write(
        `\n${paint("day", `The files are closed; npx weft lookup ${HEROINE} --pii opens them again`)}\n`,
      );
    await program.parseAsync(json ? ["--json", ...lookup] : lookup, { from: "user" });
    if (!json) process.stdout.write(describeNext(keep ? stage.folder : null, performance.now() - startedAt));
  } finally {
    remove();
  }
}

async function playStory(
  stage: Stage,
  { seed, people, keep, json, quiet }: Required<Pick<DemoOptions, "seed" | "people" | "keep" | "json" | "quiet">>,
): Promise<void> {
  const scenes = tellStory();
  const traffic = createTraffic(scenes, people, seed);
  const print = (fact: object, lines: () => readonly string[]) => {
    const text = json ? [JSON.stringify(fact)] : lines();
    process.stdout.write(text.map((line) => `${line}\n`).join(""));
  };
  const { folder } = stage;
  const storyEvents = countEvents(scenes.map(({ events }) => events));
  const trafficEvents = countEvents(traffic);
  print({ fact: "opened", folder, kept: keep, storyEvents, trafficEvents, people, seed }, () => [
    "Weft demo: a real log, store and engine in this process. No Kafka, no Redis, no configuration.",
    `  folder   ${folder} (${keep ? "kept" : "removed at the end; --keep keeps it"})`,
    `  story    ${storyEvents} events of a dozen people in one week; times are UTC; the till sends a file at 05:30`,
    `  traffic  ${trafficEvents} events of ${people} passers-by, seed ${seed}`,
    "  Every line below is rendered from what was read back: output topics, and two look-ups.",
  ]);
  const chronicle = new Chronicle(topicNames(stage.loaded));
  const narrator = new Narrator(paint);
  const status = openStatus(json || quiet);
  const fed: StagedEvent[] = [];
  for (const [number, scene] of scenes.entries()) {
    const events = [...scene.events, ...(traffic[number] ?? [])].sort((a, b) => a.recordedAt - b.recordedAt);
    status.show(`  ${formatTime(scene.fromMs)}  ${formatDay(scene.fromMs)}, ${events.length} events`);
    await stage.play(scene.fromMs, events);
    fed.push(...events);
    await stage.readBack((record, value) => chronicle.add(record, value));
    const facts = await Promise.all(scene.questions.map((question) => ask(stage, chronicle, scene, question)));
    status.clear();
    for (const fact of facts.toSorted((a, b) => compareText(a.at, b.at))) print(fact, () => narrator.narrate(fact));
  }
  writeFileSync(join(folder, EVENTS_FILE), fed.map(formatEvent).join(""));
  const summary = await sumUp(stage, chronicle, fed);
  print(summary, () => ["", paint("day", "What came out, and where to count it"), ...formatSummary(summary)]);
}

async function ask(stage: Stage, chronicle: Chronicle, scene: Scene, question: Question): Promise<Fact> {
  if (question.ask !== "looked-up")
    return answer(chronicle, question, Math.max(scene.fromMs, ...scene.events.map(({ recordedAt }) => recordedAt)));
  const { engine, index, store } = stage.runtime;
  const { shards } = stage.loaded.deployment.engine;
  return answerLookUp(
    question,
    await lookUp({ engine, index, store, shards }, question.namespace, question.value, "FR"),
  );
}

/** The same events through the pure fold: another order of work, the same people. */
async function sumUp({ runtime, loaded, outcomes }: Stage, chronicle: Chronicle, fed: readonly StagedEvent[]) {
  const { profiles } = await readPeople(runtime.engine, runtime.store, loaded.deployment.engine.shards);
  const fold = new Fold({ configuration: loaded.configuration, hash: runtime.hash });
  for (const event of fed.toSorted(compareFoldEvents)) await fold.fold(event);
  const refolded = await fold.readPeople();
  const { records, folded, duplicates, deadLetters } = outcomes;
  return summarise(chronicle, {
    records,
    outcomes: { folded, duplicate: duplicates, "dead-lettered": deadLetters },
    digest: digestProfiles(profiles),
    refoldedDigest: digestProfiles(refolded.profiles),
  });
}

/** A line as `weft fold`, `weft import` and `weft produce` read it. */
function formatEvent({ source, recordedAt, event }: StagedEvent): string {
  const iso = (ms: number) => new Date(ms).toISOString();
  return `${JSON.stringify({ source, recordedAt: iso(recordedAt), ...event, occurredAt: iso(event.occurredAt) })}\n`;
}

function countEvents(lists: readonly (readonly unknown[])[]): number {
  return lists.reduce((sum, list) => sum + list.length, 0);
}

function describeNext(folder: string | null, elapsedMs: number): string {
  const at = folder ?? "FOLDER";
  const weft = `npx weft -c ${join(at, "weft.yaml")} --embedded`;
  return [
    "",
    paint("day", `Done in ${(elapsedMs / 1000).toFixed(1)} s. What to try next`),
    "  npm run demo -- --seed 2 --people 500      other passers-by, the same story",
    ...(folder === null ? ["  npm run demo -- --keep                     keeps the folder, and then:"] : []),
    `  ${weft} lookup email:marie.lefort@example.com --pii`,
    `  ${weft} tail segment-transition`,
    `  ${weft} report matrix`,
    `  ${weft} demo-automation`,
    `  npx weft fold --out out ${join(at, EVENTS_FILE)}`,
    "  README.md                                  the same engine over Kafka and Redis",
    "",
  ].join("\n");
}

function paint(style: Style, text: string): string {
  const formats = { day: "bold", channel: "dim", move: "green" } as const;
  return styleText(formats[style], text, { stream: process.stdout });
}

/** One line that comes and goes on a terminal; nothing elsewhere. */
function openStatus(quiet: boolean) {
  const { stderr } = process;
  const shown = stderr.isTTY && !quiet;
  return {
    show: (line: string) => void (shown && stderr.write(`\r\x1b[2K${line}`)),
    clear: () => void (shown && stderr.write("\r\x1b[2K")),
  };
}

function parsePeople(text: string): number {
  const people = parseWhole(text);
  if (people > PEOPLE_MAX) throw new InvalidArgumentError(`expected at most ${PEOPLE_MAX}`);
  return people;
}

function parseWhole(text: string): number {
  const number = Number(text);
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return number;
}
