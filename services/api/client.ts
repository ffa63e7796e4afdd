// A client typed by the contract, over anything that can send a request: fetch, or a server in the same process.

import type * as z from "zod";
import { CONTRACT, type RouteContract, type RouteName } from "./contract.ts";
import { type Problem, PROBLEM_TYPE } from "./problem.ts";

type Contract = typeof CONTRACT;

type Given<Route, Name extends string> = Route extends { readonly [key in Name]: infer Schema extends z.ZodType }
  ? { readonly [key in Name]: z.input<Schema> }
  : unknown;

type Call<Route> = Given<Route, "body"> &
  Given<Route, "params"> & { readonly query?: Given<Route, "query"> extends { readonly query: infer Q } ? Q : never };

type Answered<Route> = Route extends { readonly answer: infer Schema extends z.ZodType } ? z.output<Schema> : never;

export type Reply<Route> =
  | { readonly ok: true; readonly status: number; readonly body: Answered<Route> }
  | { readonly ok: false; readonly status: number; readonly problem: Problem; readonly retryAfter: number | null };

export type Client = {
  readonly [Name in RouteName]: (call: Call<Contract[Name]>) => Promise<Reply<Contract[Name]>>;
};

export interface Sent {
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export function createClient(send: (request: Sent) => Promise<Received>, credential: string | null): Client {
  const entries = Object.entries(CONTRACT).map(([name, contract]) => [
    name,
    async (call: unknown) => receive(await send(writeRequest(contract, call as Parts, credential))),
  ]);
  return Object.fromEntries(entries) as Client;
}

interface Parts {
  readonly body?: unknown;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

function writeRequest({ method, url }: RouteContract, { body, params, query }: Parts, credential: string | null): Sent {
  const path = url.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params?.[name] ?? ""));
  const search = query === undefined ? "" : `?${new URLSearchParams(query).toString()}`;
  return {
    method,
    url: path + search,
    headers: {
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
}

function receive({ status, headers, body }: Received) {
  const value: unknown = JSON.parse(body);
  if (headers["content-type"]?.startsWith(PROBLEM_TYPE) !== true) return { ok: true as const, status, body: value };
  const retryAfter = headers["retry-after"];
  return {
    ok: false as const,
    status,
    problem: value,
    retryAfter: retryAfter === undefined ? null : Number(retryAfter),
  };
}
