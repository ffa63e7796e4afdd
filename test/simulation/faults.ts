import type { Component, Forwarder } from "#core/component.ts";
import type { Carried } from "#core/item.ts";

export interface Fault {
  readonly name: string;
  deliver?(carried: Carried, peek: (id: string) => Component | Forwarder | null): readonly Carried[];
  send?(carried: Carried, shard: number): readonly Carried[];
  readonly noJoins?: boolean;
}
