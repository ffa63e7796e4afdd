// What a route's code sees of a request, by its contract.

import type * as z from "zod";
import type { CONTRACT, RouteName } from "./contract.ts";
import type { Caller } from "./role.ts";

type Contract = typeof CONTRACT;

type Part<Route, Name extends string> = Route extends { readonly [key in Name]: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : undefined;

export interface Request<Route> {
  readonly body: Part<Route, "body">;
  readonly query: Part<Route, "query">;
  readonly params: Part<Route, "params">;
  readonly caller: Caller;
  /**
   * Of a command: its line in the audit trail, about these profiles (null: on none), once it is judged and before anything is
   * done. Throws ApiProblem.
   */
  readonly record: (profileIds: readonly (string | null)[]) => Promise<void>;
}

export type Answer<Route> = Route extends { readonly answer: infer Schema extends z.ZodType } ? z.input<Schema> : never;

export type Handlers = {
  readonly [Name in RouteName]: (request: Request<Contract[Name]>) => Promise<Answer<Contract[Name]>>;
};
