// Keys of what is sealed on the inner log, for observers: every one that was ever drawn, to see all that was said, or those
// that somebody still holds.

import type { KeyObject } from "node:crypto";
import { handoverKey, keyName } from "#core/item.ts";
import type { BundleValue } from "#services/wire/bundle.ts";
import { DESTROYED, deriveWrapping, unwrapKey } from "#services/wire/payload-keys.ts";
import { openBytes, type Opening } from "#services/wire/sealing.ts";

export const IDENTITY_KEY = Buffer.alloc(32, 7);
const wrapping = deriveWrapping(IDENTITY_KEY);

export class Keyring implements Opening {
  /** By name and wrapped: where the index lost one, another was drawn. */
  readonly #keys = new Map<string, Map<string, KeyObject>>();

  add(name: string, wrapped: string): void {
    if (wrapped === DESTROYED || this.#keys.get(name)?.has(wrapped) === true) return;
    const keys = this.#keys.get(name) ?? new Map<string, KeyObject>();
    this.#keys.set(name, keys.set(wrapped, unwrapKey(wrapping, name, wrapped)));
  }

  has(name: string): boolean {
    return this.#keys.has(name);
  }

  get names(): string[] {
    return [...this.#keys.keys()];
  }

  /** Null: with none of these keys. */
  open(name: string, sealed: Uint8Array): Uint8Array | null {
    if (sealed.length === 0) return null;
    for (const key of this.#keys.get(name)?.values() ?? []) {
      try {
        return openBytes(key, name, sealed);
      } catch {
        // It was sealed under another one.
      }
    }
    return null;
  }

  openText(name: string, sealed: string): string {
    return Buffer.from(this.open(name, Buffer.from(sealed, "base64url")) ?? []).toString();
  }

  /** What events and hand-overs of the bundle say, as far as it opens: under whatever name that the item has. */
  reveal({ items }: BundleValue): Uint8Array[] {
    return items.flatMap(({ event, handover, sealed }) => {
      if (!sealed) return [];
      const names = event ? [...event.identifiers, ...(event.order === null ? [] : [event.order])].map(keyName) : [];
      if (handover) names.push(handoverKey(handover.from));
      for (const name of names) {
        const plain = this.open(name, sealed);
        if (plain !== null) return [plain];
      }
      return [];
    });
  }
}
