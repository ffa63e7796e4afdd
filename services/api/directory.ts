// Who bears a name at a postcode: keyed hashes of both, and the profile ids that may be meant, read off `profile-state` into a
// SQLite file of the process. It may be thrown away at any time. What it says is a candidate only: whoever asks reads the
// profile as it is and looks whether it bears the name there.

import type { Hash } from "#core/identifier.ts";
import { DEMOGRAPHIC_FIELDS } from "#core/demographics.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { Book, readOn } from "#services/report/book.ts";
import { CatchUp } from "#services/wire/catch-up.ts";

const TABLES = `
CREATE TABLE IF NOT EXISTS people (key TEXT NOT NULL, profile TEXT NOT NULL, PRIMARY KEY (key, profile)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS people_by_profile ON people (profile);`;
/** So that what was erased is gone in time, though nobody asks. */
const CATCH_UP_MS = 20_000;
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

export class Directory {
  readonly #book: Book;
  readonly #wires: { readonly log: Log; readonly codec: Codec };
  readonly #topic: string;
  readonly #hash: Hash;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #catchUp = new CatchUp(() => this.#read());

  constructor(file: string, wires: { readonly log: Log; readonly codec: Codec }, topic: string, hash: Hash) {
    this.#book = new Book(TABLES, file);
    this.#wires = wires;
    this.#topic = topic;
    this.#hash = hash;
    const catchUp = () => void this.catchUp().catch(() => {});
    this.#timer = setInterval(catchUp, CATCH_UP_MS).unref();
    catchUp();
  }

  /** Knows, once it resolves, all that had been published when it was called. */
  catchUp(): Promise<void> {
    return this.#catchUp.run();
  }

  find(asked: NameAndPlace, max: number): string[] {
    const key = this.#hash(writeKey(asked));
    const rows = this.#book.sqlite.prepare("SELECT profile FROM people WHERE key = ? ORDER BY profile LIMIT ?");
    return rows.all(key, max).map(({ profile }) => String(profile));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#catchUp.settle();
    this.#book.close();
  }

  async #read(): Promise<void> {
    const { sqlite } = this.#book;
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const remove = sqlite.prepare("DELETE FROM people WHERE profile = ?");
    const insert = sqlite.prepare("INSERT OR IGNORE INTO people (key, profile) VALUES (?, ?)");
    await readOn(
      this.#wires,
      this.#book,
      [this.#topic],
      ({ value }) => {
        const { profileId, ...named } = value as Named & { readonly profileId: string };
        remove.run(profileId);
        for (const key of listKeys(named)) insert.run(this.#hash(key), profileId);
      },
      { follow: false, signal, drop: (profileId) => void remove.run(profileId) },
    );
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
