// Every key of weft.yaml, with its type, default and meaning: the one place that both the parser and `weft config explain`
// read.

import * as z from "zod";
import { ASSURANCES, NAMESPACE_KINDS, NORMALISERS } from "#core/configuration.ts";
import { isCurrency } from "#core/currency.ts";
import { durationKey, durationKeyWithDefault } from "./duration.ts";
import { csvMapping } from "./mapping.ts";
import { payloadMapping } from "./payload-mapping.ts";
import { retention } from "./retention-schema.ts";

/** Names end up in topic names, store keys and header values, so they keep to what all of those allow. */
export const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "expected a name of small letters, digits and dashes");
const topicName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,249}$/, "expected a Kafka topic name: letters, digits, dots and dashes");
const country = z.string().refine(isCountry, "expected an ISO 3166-1 alpha-2 country such as FR");
const currency = z.string().refine(isCurrency, "expected an ISO 4217 currency such as EUR");
const url = (protocols: string) =>
  z.string().refine((text) => isUrl(text, protocols), `expected a URL that begins with ${protocols}`);
const hostAndPort = z.string().regex(/^[^\s:/]+:\d{1,5}$/, "expected host:port");
/** None of them verifies with what it signs with. */
const TOKEN_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] as const;
const assurances = z.record(z.string(), z.enum(ASSURANCES));

const namespace = z.strictObject({
  name: name.meta({ description: "Name, as events write it." }),
  kind: z.enum(NAMESPACE_KINDS).meta({
    description:
      "unique: a person has one. personal: may have several, each is one person's. shareable: never joins anybody. device: always weak. reference: an order. inert: kept only.",
  }),
  normaliser: z.enum(NORMALISERS).default("text").meta({ description: "How a value is brought to one spelling." }),
  strength: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .meta({ description: "Weighs evidence of equal assurance; higher first. Default: by position." }),
  contact: z.boolean().default(false).meta({ description: "True where a value is a way to reach the person." }),
  junk: z.array(z.string()).default([]).meta({ description: "Junk values beside the built-in list; they never link." }),
  valuesMax: z.int().min(1).max(1000).optional().meta({
    description:
      "Values that a profile may have, of a personal or device namespace; the others stay apart. Digests count with the values that they are of, under the limit of those. Default: any.",
  }),
  tiedUniquesMax: z.int().min(1).max(1000).default(5).meta({
    description: "Known and tied by authenticated evidence to more values of unique namespaces, it links nothing.",
  }),
  tiedOthersMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(50)
    .meta({ description: "Weak and tied to more other identifiers, it links nothing." }),
  digestOf: name
    .optional()
    .meta({ description: "Its values are the SHA-256, in hexadecimal, of that namespace's: both are one identifier." }),
  foldOf: name.optional().meta({
    description:
      "Its values are the mailboxes that the addresses of that namespace are delivered to. They are added to events, and bring who typed an address to whom another address of the mailbox is known of.",
  }),
});

const share = z.number().min(0).max(1);

/** What `weft sources watch` holds a source back below. */
const floors = z.strictObject({
  events: z.int().min(1).max(100_000).default(1000).meta({
    description: "So many of its latest records are looked at; as long as there are fewer, nothing is said of it.",
  }),
  valid: share.optional().meta({ description: "Share of these that are no dead letters. Default: any." }),
  stitched: share.optional().meta({
    description: "Share of the valid ones that are on a profile with a unique or personal identifier. Default: any.",
  }),
  filled: z.record(z.string(), share).default({}).meta({
    description: "By field, as `identifiers.email`, `order`, `traits.firstName`: share of the valid ones that have it.",
  }),
});

const source = z.strictObject({
  name: name.meta({ description: "Name, as JSON lines and outputs write it." }),
  channel: name.optional().meta({ description: "Channel that it belongs to. Default: its name." }),
  topic: topicName
    .optional()
    .meta({ description: "Its channel topic, used as written. Default: <kafka.topicPrefix>channel-<name>." }),
  assurance: assurances
    .default({})
    .meta({ description: "Assurance by namespace, `*` for the others. Default: claimed." }),
  assuranceByType: z
    .record(z.string(), assurances)
    .default({})
    .meta({ description: "By event type, then namespace, where it differs." }),
  trustedForOrders: z
    .boolean()
    .default(false)
    .meta({ description: "True: its orders count even where the buyer is only claimed." }),
  trustedForIdentifiers: z
    .boolean()
    .default(false)
    .meta({ description: "True: it may say that an identifier was replaced by another, or released." }),
  rank: z
    .int()
    .min(0)
    .max(1000)
    .default(100)
    .meta({ description: "Survivorship of traits: the smaller rank wins, then the latest." }),
  country: country
    .optional()
    .meta({ description: "How national phone numbers are read. Default: the file's country." }),
  currency: currency.optional().meta({ description: "Currency of amounts without one. Default: the file's currency." }),
  delivery: z
    .enum(["live", "files"])
    .default("live")
    .meta({ description: "live: events come as they happen. files: complete up to its latest event." }),
  expectedDelay: durationKey("How late its files usually are, for the data map.").optional(),
  allowedFields: z.array(z.string().min(1)).optional().meta({
    description: "Parts and traits that it may send, as `order`, `traits`, `traits.firstName`. Default: all.",
  }),
  orderIdScope: name
    .optional()
    .meta({ description: "Sources of one scope number their orders together. Default: its name." }),
  caseIdScope: name.optional().meta({
    description: "Sources of one scope number their cases together: what one opens another closes. Default: its name.",
  }),
  owner: z.string().min(1).optional().meta({ description: "Who answers for it, for the data map." }),
  purpose: z.string().min(1).optional().meta({
    description: "Why its data is processed: for the data map, and beside each demographic field that it told.",
  }),
  legalBasis: z.string().min(1).optional().meta({
    description: "On what legal basis, said where the purpose is; of every field unless `legalBasisByField` is there.",
  }),
  legalBasisByField: z.record(z.string(), z.string().min(1)).optional().meta({
    description:
      "Legal basis by field: a part as `order`, an entry as `traits.firstName`, `identifiers` or those of a namespace as `identifiers.email`. Any other field is left out of its events and counted.",
  }),
  floors: floors.optional().meta({
    description: "Figures below which `weft sources watch` holds it back: what it says is then a claim. Default: none.",
  }),
  mapping: z
    .discriminatedUnion("format", [csvMapping, payloadMapping])
    .optional()
    .meta({ description: "How its files, or the values of its topic, become events." }),
});

const tls = z.strictObject({
  ca: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "PEM file of the authorities to trust. Default: the system's." }),
  certificate: z.string().min(1).optional().meta({ description: "PEM file that says who we are. Default: none." }),
  privateKey: z.string().min(1).optional().meta({ description: "PEM file of its key." }),
});
const TLS_MEANING = "Speaks TLS, and verifies the name; files are relative to this file. `{}`: nothing else to say.";

const kafka = z.strictObject({
  brokers: z.array(hostAndPort).min(1).default(["127.0.0.1:9092"]).meta({
    description: "Bootstrap brokers, host:port; separated by commas in the environment.",
    environment: "WEFT_KAFKA_BROKERS",
  }),
  clientId: z.string().min(1).default("weft").meta({ description: "Client id, as broker logs and quotas show it." }),
  instanceId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, "expected letters, digits, dots, dashes and underscores")
    .optional()
    .meta({
      description:
        "Name of this one process among those of its kind, after `clientId`. Whoever starts under a name takes the place of the one before at once. Default: none, and what a dead process held is taken over when its session has run out.",
      environment: "WEFT_INSTANCE_ID",
    }),
  tls: tls.optional().meta({ description: TLS_MEANING }),
  username: z.string().min(1).optional().meta({
    description: "Who we are by SASL. Default: nobody in particular.",
    environment: "WEFT_KAFKA_USERNAME",
  }),
  passwordFile: z.string().min(1).optional().meta({
    description: "File with the password of `username`, relative to this file.",
    environment: "WEFT_KAFKA_PASSWORD_FILE",
  }),
  saslMechanism: z
    .enum(["scram-sha-512", "scram-sha-256"])
    .default("scram-sha-512")
    .meta({ description: "How `username` proves itself." }),
  topicPrefix: z
    .string()
    .regex(/^[A-Za-z0-9.-]{0,100}$/, "expected letters, digits, dots and dashes")
    .default("")
    .meta({ description: "Before the name of every topic of Weft's own." }),
  ignoredTopics: z.array(topicName).default([]).meta({
    description:
      "Topics that are named like a source's and are nobody's; any other that no source reads refuses the start of a resolver.",
  }),
});

const registry = z.strictObject({
  url: url("http:// or https://").default("http://127.0.0.1:8081/apis/ccompat/v7").meta({
    description: "Confluent-compatible schema registry, with the path of that API.",
    environment: "WEFT_REGISTRY_URL",
  }),
  autoRegister: z
    .boolean()
    .default(true)
    .meta({ description: "False: schemas are registered by whoever deploys, and a missing one is an error." }),
});

const redis = z.strictObject({
  url: url("redis:// or rediss://")
    .default("redis://127.0.0.1:6379")
    .meta({ description: "Redis that holds the current view.", environment: "WEFT_REDIS_URL" }),
  tls: tls.optional().meta({ description: `${TLS_MEANING} With it \`url\` begins with rediss://.` }),
  username: z.string().min(1).optional().meta({
    description: "ACL user. Default: as `url` says, else `default`.",
    environment: "WEFT_REDIS_USERNAME",
  }),
  passwordFile: z.string().min(1).optional().meta({
    description: "File with the password, relative to this file. Default: the password is in `url`, or there is none.",
    environment: "WEFT_REDIS_PASSWORD_FILE",
  }),
  clusterNodes: z.array(hostAndPort).default([]).meta({
    description:
      "Other nodes, host:port, of the Redis Cluster that url leads to; separated by commas in the environment. Default: none, url is one Redis.",
    environment: "WEFT_REDIS_CLUSTER_NODES",
  }),
});

const embedded = z.strictObject({
  file: z
    .string()
    .min(1)
    .default(".weft/weft.sqlite")
    .meta({ description: "Log and store of the one-machine mode, relative to the working folder." }),
});

const engine = z.strictObject({
  shards: z.int().min(1).max(4096).default(64).meta({ description: "Partitions of the inner topic; fixed at birth." }),
  stitchSlots: z
    .int()
    .min(1)
    .max(256)
    .default(8)
    .meta({ description: "Groups of shards that move between stitch workers; divides shards." }),
  resolverSlots: z
    .int()
    .min(1)
    .max(256)
    .default(8)
    .meta({ description: "Groups of channel partitions that move between resolve workers." }),
  tickInterval: durationKeyWithDefault(
    "How often time is written to the log: a timer fires so late at most. Each tick is a record per slot and shard.",
    "5s",
  ),
  transactionInterval: durationKeyWithDefault("Longest wait before work done is committed.", "100ms"),
  transactionTimeout: durationKeyWithDefault("After which Kafka aborts the transaction of a dead worker.", "10s"),
});

const listeningTls = z
  .strictObject({
    certificate: z.string().min(1).meta({ description: "PEM file, relative to the working folder." }),
    privateKey: z.string().min(1).meta({ description: "PEM file, relative to the working folder." }),
  })
  .optional()
  .meta({ description: "Listens with TLS. Default: without." });

const api = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").meta({
    description: "Address to listen on. Anything but this machine's own needs `tls`, or `dev`.",
    environment: "WEFT_API_HOST",
  }),
  port: z.int().min(0).max(65_535).default(8480).meta({ description: "Port to listen on; 0: any that is free." }),
  keysFile: z.string().min(1).default(".weft/api-keys.json").meta({
    description: "Hashes of API keys, as `weft api keys create` writes them; relative to the working folder.",
    environment: "WEFT_API_KEYS_FILE",
  }),
  keys: z
    .array(z.string().regex(/^[a-z0-9]{10}:[a-z]+:[A-Za-z0-9_-]{43}$/, "expected id:role:hash"))
    .default([])
    .meta({
      description: "Hashes of further API keys, id:role:hash; separated by commas in the environment.",
      environment: "WEFT_API_KEYS",
    }),
  auditFile: z.string().min(1).default(".weft/api-audit.jsonl").meta({
    description: "Who was shown whose values and who commanded what; one process each, relative to the working folder.",
    environment: "WEFT_API_AUDIT_FILE",
  }),
  directoryFile: z.string().min(1).default(".weft/api-directory.sqlite").meta({
    description:
      "Keyed hashes of names with postcodes, to search by; one process each, relative to the working folder. It may be removed.",
    environment: "WEFT_API_DIRECTORY_FILE",
  }),
  passagesFile: z.string().min(1).default(".weft/api-passages.sqlite").meta({
    description:
      "Transitions, for histories and reports; one process each, relative to the working folder. It may be removed.",
    environment: "WEFT_API_PASSAGES_FILE",
  }),
  tls: listeningTls,
  oidc: z
    .strictObject({
      issuer: z.string().min(1).meta({ description: "`iss` of the tokens." }),
      audience: z.string().min(1).meta({ description: "`aud` that tokens for Weft carry." }),
      jwksUrl: z
        .string()
        .refine(isPrivateUrl, "expected a URL that begins with https://; http:// only on this machine")
        .meta({ description: "The provider's public keys." }),
      algorithms: z.array(z.enum(TOKEN_ALGORITHMS)).min(1).default(["RS256", "ES256"]).meta({
        description: "Signatures that are accepted; a shared secret is none.",
      }),
    })
    .optional()
    .meta({ description: "Tokens of an identity provider count beside API keys. Default: they do not." }),
  requestsPerMinute: z.int().min(1).max(1_000_000).default(600).meta({ description: "Of one key or subject." }),
  waitMax: durationKeyWithDefault("Longest wait for the position of `?at-least=`.", "5s"),
});

const admin = z.strictObject({
  tls: listeningTls,
  host: z.string().min(1).default("127.0.0.1").meta({
    description: "Address of the admin surface. Anything but this machine's own needs `tls` and `tokenFile`, or `dev`.",
    environment: "WEFT_ADMIN_HOST",
  }),
  port: z.int().min(0).max(65_535).optional().meta({
    description: "Its port, one of its own for each process; 0: any that is free. Default: no admin surface.",
    environment: "WEFT_ADMIN_PORT",
  }),
  tokenFile: z.string().min(1).optional().meta({
    description:
      "File with the token, of at least 32 characters, that reads metrics; relative to the working folder. Default: whoever reaches the port reads them.",
    environment: "WEFT_ADMIN_TOKEN_FILE",
  }),
});

export const configurationSchema = z.strictObject({
  country: country.default("FR").meta({ description: "Country of sources that say none." }),
  currency: currency.default("EUR").meta({ description: "Currency of sources that say none." }),
  dev: z.boolean().default(false).meta({
    description:
      "True: other machines may be met in the clear and without a password, and settings of theirs that lose data only warn; `weft --dev` says the same.",
    environment: "WEFT_DEV",
  }),
  timeout: durationKeyWithDefault(
    "Longest wait, of a verb that asks once, for a Kafka or Redis that is away; 0s: for ever. Processes, and what follows a topic, always wait. `weft --timeout` says the same.",
    "60s",
    "WEFT_TIMEOUT",
  ),
  joinAssurance: z
    .enum(ASSURANCES)
    .exclude(["claimed"])
    .default("authenticated")
    .meta({ description: "What evidence needs at both ends to make one person of two known identifiers." }),
  namespaces: z
    .array(namespace)
    .min(1)
    .meta({ description: "Kinds of identifier, best anchor first. Default: the shipped ones." }),
  sources: z.array(source).min(1).meta({ description: "Who sends events. Default: the shipped ones." }),
  rules: z.string().min(1).meta({ description: "Rules file, relative to this file. Default: the shipped one." }),
  purposesWithoutProof: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: "Purposes whose consents need no proof; of any other a grant without proof does not count." }),
  declaredFields: z
    .array(z.string().min(1))
    .min(1)
    .default(["firstName", "lastName", "birthDate", "email", "phone", "postal"])
    .meta({ description: "Traits and kinds of contact point (postal among them) that a complete profile has." }),
  retention: retention.prefault({}).meta({ description: "How long people may be kept: `weft privacy due`." }),
  identityKey: z.string().min(1).optional().meta({
    description:
      "Secret file, at least 32 bytes, that keys profile ids; relative to this file. Default: a published test key, not for real people.",
  }),
  kafka: kafka.prefault({}).meta({ description: "The log." }),
  registry: registry.prefault({}).meta({ description: "The schemas." }),
  redis: redis.prefault({}).meta({ description: "The store." }),
  embedded: embedded.prefault({}).meta({ description: "The one-machine mode." }),
  api: api.prefault({}).meta({ description: "The HTTP API." }),
  admin: admin.prefault({}).meta({ description: "Health and metrics of a process." }),
  engine: engine.prefault({}).meta({ description: "Sizes and intervals." }),
});

export type Floors = z.output<typeof floors>;
export type ConfigurationFile = z.output<typeof configurationSchema>;

function isCountry(text: string): boolean {
  return (
    /^[A-Z]{2}$/.test(text) && new Intl.DisplayNames("en", { type: "region", fallback: "none" }).of(text) !== undefined
  );
}

/** What is read there decides who comes in, so nobody between may change it. */
function isPrivateUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname));
}

function isUrl(text: string, protocols: string): boolean {
  return URL.canParse(text) && protocols.split(" or ").some((protocol) => text.startsWith(protocol));
}
