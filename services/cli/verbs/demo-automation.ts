// weft demo-automation: an automation as somebody else would write it: reads transitions and signals, and prints the
// messages that it would send.

import { dirname, join } from "node:path";
import type { Command } from "commander";
import { Metrics } from "#services/admin/metrics.ts";
import { openAdmin } from "#services/admin/surface.ts";
import { AutomationOutbox, type Message } from "#services/automation/outbox.ts";
import { runAutomation } from "#services/automation/reader.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import type { CommonOptions } from "../program.ts";
import { listenForStop } from "../until-stopped.ts";
import { openWires } from "../wiring.ts";

interface AutomationOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly file?: string;
}

export function registerDemoAutomation(program: Command): void {
  program
    .command("demo-automation")
    .description("print what an automation would send: one voucher by SMS for each ambassador, cart reminders")
    .option("-f, --follow", "wait for more at the end")
    .option("--file <file>", "where it keeps what it has sent; default: .weft/automation.sqlite")
    .action(async (_options: unknown, command: Command) => automate(command.optsWithGlobals<AutomationOptions>()));
}

async function automate({
  config,
  embedded = false,
  json = false,
  follow = false,
  file,
}: AutomationOptions): Promise<void> {
  const loaded = loadConfiguration(config);
  const { kafka, embedded: settings } = loaded.deployment;
  const kept = embedded
    ? join(dirname(settings.file), "embedded-automation.sqlite")
    : join(".weft", `${kafka.topicPrefix}automation.sqlite`);
  const wires = await openWires(loaded, { embedded, isProcess: follow });
  // Not before: whoever waits for a log that is away is ended by the signal itself.
  const stop = listenForStop();
  const outbox = new AutomationOutbox(file ?? kept);
  const metrics = new Metrics(["automation"], { withDefaults: true });
  const admin = follow ? await openAdmin(loaded.deployment, metrics, () => "ok") : null;
  try {
    await runAutomation(wires, outbox, topicNames(loaded), {
      follow,
      signal: stop.signal,
      send(message) {
        process.stdout.write(json ? `${JSON.stringify(message)}\n` : formatMessage(message));
        metrics.count("weft_messages_total", {});
      },
    });
  } finally {
    stop.release();
    await admin?.close();
    outbox.close();
    await wires.close();
  }
}

function formatMessage({ id, profileId, text }: Message): string {
  return `to ${profileId}: ${text} [${id}]\n`;
}
