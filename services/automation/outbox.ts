// What the automation has decided to send, a row a message, in the transaction that also says how far it has read. A
// person has one voucher, whatever is told again, under whichever of her ids. A message is printed after its row is
// committed and marked after that: whoever is killed in between prints the same message, with the same id, once more.

import type { IdentityAlias, ProfileSignal } from "#core/effect.ts";
import { Book } from "#services/report/book.ts";
import { deservesVoucher, leadingChannel, VOUCHER_MINOR, type Move } from "./campaign.ts";

const TABLES = `
CREATE TABLE IF NOT EXISTS messages (
  id TEXT PRIMARY KEY, profile TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, isSent INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS paid (profile TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aliases (old TEXT PRIMARY KEY, profile TEXT NOT NULL) WITHOUT ROWID;
`;

export interface Message {
  /** One a person, or one a signal. */
  readonly id: string;
  readonly profileId: string;
  readonly kind: "voucher" | "reminder";
  readonly text: string;
}

export class AutomationOutbox extends Book {
  constructor(file?: string) {
    super(TABLES, file, { isKept: true });
  }

  /** These four are called within a transaction. */
  takeMove(move: Move): void {
    if (!deservesVoucher(move)) return;
    const ids = this.#idsOf(move.profileId);
    const isPaid = this.sqlite.prepare("SELECT 1 FROM paid WHERE profile = ?");
    if (ids.some((id) => isPaid.get(id) !== undefined)) return;
    for (const id of ids) this.#pay(id);
    const led = leadingChannel(move);
    const why = [move.valueTier, led === null ? null : `led there by ${led}`].filter((part) => part !== null);
    const text = `SMS: a voucher of ${(VOUCHER_MINOR / 100).toFixed(2)} EUR for our ambassador (${why.join(", ")})`;
    this.#add({ id: `voucher.${move.transitionId}`, profileId: move.profileId, kind: "voucher", text });
  }

  takeSignal({
    signalId,
    signal,
    profileId,
    certainty,
  }: Pick<ProfileSignal, "signalId" | "signal" | "profileId" | "certainty">): void {
    if (signal !== "abandoned-cart") return;
    const text = `reminder: something is still in the cart (${certainty})`;
    this.#add({ id: `reminder.${signalId}`, profileId, kind: "reminder", text });
  }

  /** An id that lives on under another one keeps what it was paid. */
  takeAlias({ oldProfileId, profileId }: Pick<IdentityAlias, "oldProfileId" | "profileId">): void {
    if (profileId === null) return this.dropAlias(oldProfileId);
    this.sqlite.prepare("INSERT OR REPLACE INTO aliases (old, profile) VALUES (?, ?)").run(oldProfileId, profileId);
    const isPaid = this.sqlite.prepare("SELECT 1 FROM paid WHERE profile = ?").get(oldProfileId) !== undefined;
    if (isPaid) for (const id of this.#idsOf(profileId)) this.#pay(id);
  }

  /** It lives on its own again. */
  dropAlias(oldProfileId: string): void {
    this.sqlite.prepare("DELETE FROM aliases WHERE old = ?").run(oldProfileId);
  }

  unsent(): Message[] {
    const rows = this.sqlite
      .prepare("SELECT id, profile, kind, text FROM messages WHERE isSent = 0 ORDER BY rowid")
      .all();
    return rows.map(({ id, profile, kind, text }) => {
      return { id: String(id), profileId: String(profile), kind: kind as Message["kind"], text: String(text) };
    });
  }

  markSent(messages: readonly Message[]): void {
    const statement = this.sqlite.prepare("UPDATE messages SET isSent = 1 WHERE id = ?");
    this.transact(() => {
      for (const { id } of messages) statement.run(id);
    });
  }

  #add({ id, profileId, kind, text }: Message): void {
    this.sqlite
      .prepare("INSERT OR IGNORE INTO messages (id, profile, kind, text, isSent) VALUES (?, ?, ?, ?, 0)")
      .run(id, profileId, kind, text);
  }

  #pay(id: string): void {
    this.sqlite.prepare("INSERT OR IGNORE INTO paid (profile) VALUES (?)").run(id);
  }

  /** The id and those that it lives on under. */
  #idsOf(profileId: string): string[] {
    const find = this.sqlite.prepare("SELECT profile FROM aliases WHERE old = ?");
    const ids: string[] = [];
    for (let id: string | undefined = profileId; id !== undefined && !ids.includes(id); ) {
      ids.push(id);
      const next: unknown = find.get(id)?.["profile"];
      id = typeof next === "string" ? next : undefined;
    }
    return ids;
  }
}
