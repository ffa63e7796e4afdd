// A planted bug: a line of production code that reads differently in a copy made for the run (system.ts), or a log or group
// that breaks its word. Production knows nothing of it.

import type { Broker } from "./broker.ts";
import type { FaultKind } from "./faults.ts";
import type { Group } from "./group.ts";
import type { SeedKind } from "./plan-erasing.ts";
import type { ServerState } from "./state.ts";

export interface Patch {
  /** From services/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export type Sabotage = (parts: {
  readonly broker: Broker;
  readonly groups: readonly Group[];
  readonly state: ServerState;
}) => void;

export interface Mutant {
  readonly name: string;
  readonly patches?: readonly Patch[];
  readonly sabotage?: Sabotage;
  /** Of which it is tried. Absent: any. */
  readonly seeds?: SeedKind;
  /** Seeds that plan none of these are passed over: they cannot show it. */
  readonly needs?: readonly FaultKind[];
}

export function patch(name: string, file: string, from: string, to: string, ...more: Patch[]): Mutant {
  return { name, patches: [{ file, from, to }, ...more] };
}
