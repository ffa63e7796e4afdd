// weft api: profiles over HTTP; weft api keys: who may ask. With --embedded it is the whole machine, because the file takes
// one process at a time.

import { type Command, InvalidArgumentError, Option } from "commander";
import pino from "pino";
import type { Membership } from "#ports/log.ts";
import { type Condition, openAdmin } from "#services/admin/surface.ts";
import { changeKeyFile, createKey, isRevoked, readKeyFile, revokeKey, rotateKey } from "#services/api/api-key.ts";
import { type AuditHead, readTrail, verifyTrail } from "#services/api/audit.ts";
import { DRAIN_MS } from "#services/api/closing.ts";
import type { RunningApi } from "#services/api/main.ts";
import { type Role, ROLE_NAMES, ROLES } from "#services/api/role.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { parseDurationArgument } from "../argument.ts";
import { UsageError } from "../failure.ts";
import type { CommonOptions } from "../program.ts";
import { foldedWith, openRuntime } from "../runtime.ts";
import { Tally } from "../tally.ts";
import { runUntilStopped } from "../until-stopped.ts";

interface ServeOptions extends CommonOptions {
  readonly port?: number;
}

interface AuditOptions extends CommonOptions {
  readonly since?: AuditHead;
}

interface CreateOptions extends CommonOptions {
  readonly role: Role;
  readonly name?: string;
}

interface RotateOptions extends CommonOptions {
  readonly grace: number;
}

const NEVER = new Promise<never>(() => {});
const GRACE_MS = 24 * 60 * 60_000;

export function registerApi(program: Command): void {
  const api = program.command("api").description("profiles over HTTP: look-ups, explanations, live changes, rulings");
  api
    .command("serve", { isDefault: true })
    .description("listen until SIGTERM; with --embedded it resolves and stitches as well")
    .option("--port <n>", "in place of api.port; 0: any that is free", parsePort)
    .action(async (_options: unknown, command: Command) => serve(command.optsWithGlobals<ServeOptions>()));
  const keys = api.command("keys").description("API keys: made, listed and taken back");
  keys
    .command("create")
    .description("make a key; it is shown once, and kept as a keyed hash in api.keysFile")
    .addOption(new Option("--role <role>", "what it may do").choices(ROLE_NAMES).makeOptionMandatory())
    .option("--name <name>", "for people: who or what uses it; rulings name it")
    .action((_options: unknown, command: Command) => makeKey(command.optsWithGlobals<CreateOptions>()));
  keys
    .command("list", { isDefault: true })
    .description("print the keys of api.keysFile")
    .action((_options: unknown, command: Command) => listKeys(command.optsWithGlobals<CommonOptions>()));
  keys
    .command("rotate")
    .description("make a key of the same role and name in the place of one, which ends a while later")
    .argument("<id>", "as `list` prints it")
    .addOption(
      new Option("--grace <duration>", "how long the old one goes on")
        .argParser(parseDurationArgument)
        .default(GRACE_MS, "24h"),
    )
    .action((id: string, _options: unknown, command: Command) =>
      replaceKey(id, command.optsWithGlobals<RotateOptions>()),
    );
  keys
    .command("revoke")
    .description("take a key back; running servers notice within seconds")
    .argument("<id>", "as `list` prints it")
    .action((id: string, _options: unknown, command: Command) =>
      takeKeyBack(id, command.optsWithGlobals<CommonOptions>()),
    );
  api
    .command("audit")
    .description("the audit trail: who was shown whose values, and who commanded what")
    .command("verify", { isDefault: true })
    .description("whether every line is there as it was written, from the first to the last")
    .argument("[file]", "in place of api.auditFile")
    .option("--since <head>", "a head that was printed earlier: also finds lines that were cut off the end", parseHead)
    .action((file: string | undefined, _options: unknown, command: Command) =>
      verifyAudit(file, command.optsWithGlobals<AuditOptions>()),
    );
}

function verifyAudit(file: string | undefined, { config, since, json = false }: AuditOptions): void {
  const { api, identityKey } = loadConfiguration(config).deployment;
  const { n, chain } = verifyTrail(readTrail(file ?? api.auditFile), identityKey.bytes, since);
  process.stdout.write(
    json ? `${JSON.stringify({ lines: n, head: `${n}:${chain}` })}\n` : `${n} lines, whole; head ${n}:${chain}\n`,
  );
}

function parseHead(text: string): AuditHead {
  const [, n = "", chain = ""] = /^(\d{1,15}):([A-Za-z0-9_-]*)$/.exec(text) ?? [];
  if (n === "") throw new InvalidArgumentError("expected a head as the log and `audit verify` print it");
  return { n: Number(n), chain };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("expected 0 to 65535");
  return port;
}

function replaceKey(id: string, { config, grace, json = false }: RotateOptions): void {
  const { api, identityKey } = loadConfiguration(config).deployment;
  const untilMs = Date.now() + grace;
  const { key, kept } = changeKeyFile(api.keysFile, (keys) => {
    const rotated = rotateKey(identityKey.bytes, keys, id, untilMs);
    if (rotated === null) throw new UsageError(`${api.keysFile} has no key ${id} whose end is not set yet`);
    return rotated;
  });
  const until = new Date(untilMs).toISOString();
  process.stdout.write(
    json
      ? `${JSON.stringify({ key, id: kept.id, role: kept.role, former: id, until })}\n`
      : `${key}\n  in the place of ${id}, which ends at ${until}. It is not shown again\n`,
  );
}

function makeKey({ config, role, name, json = false }: CreateOptions): void {
  const { api, identityKey } = loadConfiguration(config).deployment;
  const { key, kept } = createKey(identityKey.bytes, role, name);
  changeKeyFile(api.keysFile, (keys) => ({ keys: [...keys, kept] }));
  const scopes = ROLES[role];
  process.stdout.write(
    json
      ? `${JSON.stringify({ key, id: kept.id, role, scopes, entry: `${kept.id}:${role}:${kept.hash}` })}\n`
      : `${key}\n  ${role}: ${scopes.join(", ")}. It is not shown again; \`weft api keys revoke ${kept.id}\` takes it back\n`,
  );
}

function listKeys({ config, json = false }: CommonOptions): void {
  const kept = readKeyFile(loadConfiguration(config).deployment.api.keysFile).filter((key) => !isRevoked(key));
  for (const { id, role, created, name, until } of kept) {
    const end = until === undefined ? "" : `  ends ${until}`;
    process.stdout.write(
      json
        ? `${JSON.stringify({ id, role, created, name, until })}\n`
        : `${id}  ${role}  ${created ?? ""}  ${name ?? ""}${end}\n`,
    );
  }
}

function takeKeyBack(id: string, { config, json = false }: CommonOptions): void {
  const { keysFile } = loadConfiguration(config).deployment.api;
  changeKeyFile(keysFile, (keys) => {
    const left = revokeKey(keys, id);
    if (left === null) throw new UsageError(`${keysFile} has no key ${id}`);
    return { keys: left };
  });
  process.stdout.write(json ? `${JSON.stringify({ revoked: id })}\n` : `${id} is revoked\n`);
}

async function serve({ config, embedded = false, port }: ServeOptions): Promise<void> {
  const loaded = loadConfiguration(config);
  const logger = pino({ name: "weft-api" });
  const tally = new Tally(loaded, embedded ? ["api", "resolve", "stitch"] : ["api"]);
  let condition: Condition = "starting";
  const admin = await openAdmin(loaded.deployment, tally.metrics, () => condition);
  if (admin !== null) logger.info({ admin: admin.url }, "admin surface");
  const opening = openRuntime(loaded, {
    embedded,
    isProcess: true,
    onWait: (line) => logger.warn(line),
    ...tally.hooks,
  });
  const memberships: Membership[] = [];
  let api: RunningApi | null = null;
  await runUntilStopped({
    logger,
    opening,
    drainMs: DRAIN_MS,
    async work(runtime) {
      const { lookups, hash, wires, keys } = runtime;
      const { log, codec } = wires;
      if (embedded) {
        await runtime.createTopics();
        memberships.push(await runtime.startResolver(), await runtime.startStitcher());
        tally.watchLag(loaded, runtime);
      }
      const { startApi } = await import("#services/api/main.ts");
      api = await startApi(
        { ...lookups, loaded, hash, log, codec, foldedWith: foldedWith(loaded), keys },
        {
          logger,
          metrics: tally.metrics,
          ...(port === undefined ? {} : { port }),
          onFirstKey: (key) =>
            process.stderr.write(
              `no API key yet: this one is an administrator's until this process ends or a key is made\n  ${key}\n`,
            ),
        },
      );
      condition = "ok";
      logger.info({ url: api.url }, "listening");
      await (embedded ? Promise.all(memberships.map(({ closed }) => closed)) : NEVER);
    },
    async stop() {
      condition = "draining";
      await api?.close();
      await Promise.all(memberships.map((membership) => membership.close()));
      await admin?.close();
    },
  });
}
