// Who bears a name at a postcode: keyed hashes of both, and the profile ids that may be meant, read off `profile-state` into a
// SQLite file of the process. It may be thrown away at any time. What it says is a candidate only: whoever asks reads the
// profile as it is and looks whether it bears the name there.

import type { Hash } from "#core/identifier.ts";
import { DEMOGRAPHIC_FIELDS } from "#core/demographics.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { Book, readOn, type ReadRecord } from "#services/report/book.ts";
import { Follower } from "./follower.ts";
import type { Gate } from "./outage.ts";
import { holdAlone } from "./sole.ts";

const TABLES = `
CREATE TABLE IF NOT EXISTS people (key TEXT NOT NULL, profile TEXT NOT NULL, PRIMARY KEY (key, profile)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS people_by_profile ON people (profile);`;
/** Who is no more is known by tombstones, which `profile-state` keeps for 7 days (`delete.retention.ms`): a day less. */
const AWAY_MAX_MS = 6 * 86_400_000;
const POSTCODE_IN_ADDRESS = /\b(\d{5})(?=\s+\D)/g;

/** Of a profile: what its names and places are read from. */
interface Named {
  readonly traits: Readonly<Record<string, { readonly value: unknown }>>;
  readonly contacts: readonly { readonly kind: string; readonly value: string }[];
}

export interface NameAndPlace {
  readonly lastName: string;
  readonly firstName?: string | undefined;
  readonly postcode: string;
}

export interface ToldWhenAway {
  /** The file had not caught up for so long that it is begun anew. */
  onAwayTooLong?(): void;
}

export class Directory {
  readonly #release: () => void;
  readonly #book: Book;
  readonly #hash: Hash;
  readonly #follower: Follower;

  /** Throws FileInUse where another process reads into the file. */
  constructor(
    file: string,
    wires: { readonly log: Log; readonly codec: Codec },
    { topic, hash, gate, ...told }: { readonly topic: string; readonly hash: Hash; readonly gate: Gate } & ToldWhenAway,
  ) {
    this.#release = holdAlone(file, "api.directoryFile");
    const book = new Book(TABLES, file, { awayMaxMs: AWAY_MAX_MS, ...told });
    const remove = book.sqlite.prepare("DELETE FROM people WHERE profile = ?");
    const insert = book.sqlite.prepare("INSERT OR IGNORE INTO people (key, profile) VALUES (?, ?)");
    const drop = (profileId: string) => void remove.run(profileId);
    const take = ({ value }: ReadRecord) => {
      const { profileId, ...named } = value as Named & { readonly profileId: string };
      drop(profileId);
      for (const key of listKeys(named)) insert.run(hash(key), profileId);
    };
    this.#book = book;
    this.#hash = hash;
    this.#follower = new Follower(gate, (signal) =>
      readOn(wires, book, [topic], take, { follow: false, signal, drop }),
    );
  }

  /** Knows, once it resolves, all that had been published when it was called. Throws ApiProblem. */
  catchUp(): Promise<void> {
    return this.#follower.catchUp();
  }

  find(asked: NameAndPlace, max: number): string[] {
    const key = this.#hash(writeKey(asked));
    const rows = this.#book.sqlite.prepare("SELECT profile FROM people WHERE key = ? ORDER BY profile LIMIT ?");
    return rows.all(key, max).map(({ profile }) => String(profile));
  }

  async close(): Promise<void> {
    await this.#follower.close();
    this.#book.close();
    this.#release();
  }
}

export function bears(named: Named, asked: NameAndPlace): boolean {
  return listKeys(named).includes(writeKey(asked));
}

function listKeys({ traits, contacts }: Named): string[] {
  const told = (field: string) =>
    (DEMOGRAPHIC_FIELDS[field]?.names ?? []).flatMap((name) => {
      const value = traits[name]?.value;
      return typeof value === "string" && fold(value) !== "" ? [value] : [];
    });
  const postcodes = contacts.flatMap(({ kind, value }) =>
    kind === "postal" ? ([...value.matchAll(POSTCODE_IN_ADDRESS)].at(-1)?.[1] ?? []) : [],
  );
  const alone = traits["postcode"]?.value;
  if ((typeof alone === "string" && fold(alone) !== "") || typeof alone === "number") postcodes.push(String(alone));
  const keys = told("lastName").flatMap((lastName) =>
    postcodes.flatMap((postcode) =>
      [undefined, ...told("firstName")].map((firstName) => writeKey({ lastName, firstName, postcode })),
    ),
  );
  return [...new Set(keys)];
}

function writeKey({ lastName, firstName = "", postcode }: NameAndPlace): string {
  return `name ${fold(lastName)} ${fold(firstName)} ${fold(postcode)}`;
}

/** Without case, accents, dashes, apostrophes and spaces. */
function fold(text: string): string {
  return text
    .normalize("NFKD")
    .toUpperCase()
    .replaceAll("Œ", "OE")
    .replaceAll("Æ", "AE")
    .replaceAll(/[^\p{L}\p{N}]/gu, "");
}
