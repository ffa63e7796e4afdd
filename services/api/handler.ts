// What a route's code sees of a request, by its contract.

import type * as z from "zod";
import type { CONTRACT, RouteName } from "./contract.ts";
import type { About } from "./recorder.ts";
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
   * For the audit trail. Of a command: whom it is about, once it is judged and before anything is done; throws ApiProblem. Of
   * a look-up: of whom it shows something beside those whom the answer names.
   */
  readonly record: (about: About) => Promise<void>;
}

export type Answer<Route> = Route extends { readonly answer: infer Schema extends z.ZodType } ? z.input<Schema> : never;

export type Handlers = {
  readonly [Name in RouteName]: (request: Request<Contract[Name]>) => Promise<Answer<Contract[Name]>>;
};
