// What each process may do at Kafka: the least that it works with. Reading and writing let a topic be described too, and
// whoever may write to any may be an idempotent producer.

import { OPERATOR } from "#core/configuration.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { allTopics, channelTopics, deadLetterTopic, outputTopics, topicNames } from "#services/config/topics.ts";
import { resolverOf, stitcherOf } from "./positions.ts";

export const PRINCIPALS = ["resolver", "stitcher", "api", "automation", "operator"] as const;
export type Principal = (typeof PRINCIPALS)[number];

export type Operation = "Create" | "Describe" | "DescribeConfigs" | "Read" | "Write";

export interface Grant {
  readonly principal: Principal;
  readonly resource: "topic" | "group" | "transactional-id";
  readonly name: string;
  /** The name is how it begins. */
  readonly isPrefix: boolean;
  readonly operations: readonly Operation[];
}

export function listGrants(loaded: LoadedConfiguration): Grant[] {
  const { resolved, privacy, rules, sources, keys, ...outputs } = topicNames(loaded);
  const channels = channelTopics(loaded).map(({ name }) => name);
  const told = outputTopics(loaded).map(({ name }) => name);
  const operators = loaded.configuration.sources.filter(({ name }) => name === OPERATOR).map(({ topic }) => topic);
  const on = (principal: Principal, names: readonly string[], ...operations: Operation[]) =>
    names.map((name): Grant => ({ principal, resource: "topic", name, isPrefix: false, operations }));
  const groups = [resolverOf(loaded), stitcherOf(loaded)].map(({ group }) => group);
  const member = (principal: Principal, group: string): Grant[] => [
    { principal, resource: "group", name: group, isPrefix: false, operations: ["Read"] },
    { principal, resource: "transactional-id", name: `${group}-`, isPrefix: true, operations: ["Write"] },
  ];
  const [resolving = "", stitching = ""] = groups;
  // The settings of these say whether they keep what they acknowledge: asked before anybody works with them.
  const kept = [...channels, privacy, sources];
  return [
    ...member("resolver", resolving),
    ...on("resolver", kept, "Read", "DescribeConfigs"),
    ...on("resolver", [resolved, rules, keys], "Read", "Write", "DescribeConfigs"),
    ...on("resolver", [...channels, privacy, rules].map(deadLetterTopic), "Write"),
    ...member("stitcher", stitching),
    ...on("stitcher", kept, "DescribeConfigs", "Describe"),
    ...on("stitcher", [resolved, rules, keys], "Read", "Write", "DescribeConfigs"),
    ...on("stitcher", told, "Write"),
    ...on("api", [...operators, privacy], "Write"),
    ...on("api", [rules], "Read", "Write"),
    ...on("api", [resolved, ...told], "Read"),
    ...on("automation", [outputs.segmentTransition, outputs.profileSignal, outputs.identityAlias], "Read"),
    ...on("operator", [...new Set(allTopics(loaded).map(({ name }) => name))], "Create", "DescribeConfigs", "Read"),
    ...on("operator", [...channels, privacy, rules, sources], "Write"),
    ...groups.map((name): Grant => {
      return { principal: "operator", resource: "group", name, isPrefix: false, operations: ["Describe"] };
    }),
  ];
}

/** As `kafka-acls` takes it, without the connection. */
export function formatGrant({ principal, resource, name, isPrefix, operations }: Grant, user: string): string {
  return [
    "--add",
    `--allow-principal User:${user}${principal}`,
    ...operations.map((operation) => `--operation ${operation}`),
    `--${resource} ${name}`,
    ...(isPrefix ? ["--resource-pattern-type prefixed"] : []),
  ].join(" ");
}
