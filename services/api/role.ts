// Who may do what: scopes are what routes ask for, roles are the bundles of them that keys are made with.

export const SCOPES = [
  "profile:read",
  "profile:pii",
  "profile:explain",
  "note:write",
  "ruling:write",
  "rules:write",
  "privacy:write",
  "admin",
] as const;
export type Scope = (typeof SCOPES)[number];

export const ROLES = {
  reader: ["profile:read"],
  analyst: ["profile:read", "profile:explain"],
  agent: ["profile:read", "profile:pii", "profile:explain", "note:write"],
  operator: ["profile:read", "profile:pii", "profile:explain", "note:write", "ruling:write"],
  privacy: ["profile:read", "profile:pii", "profile:explain", "privacy:write"],
  admin: SCOPES,
} as const satisfies Readonly<Record<string, readonly Scope[]>>;

export type Role = keyof typeof ROLES;
export const ROLE_NAMES = Object.keys(ROLES) as Role[];

export function isRole(text: unknown): text is Role {
  return typeof text === "string" && Object.hasOwn(ROLES, text);
}

export function isScope(text: unknown): text is Scope {
  return SCOPES.some((scope) => scope === text);
}

/** Whoever has shown a valid credential. */
export interface Caller {
  /** For logs and limits: a key's id, or the keyed hash of a token's subject. */
  readonly id: string;
  /** As a ruling names its author. */
  readonly author: string;
  readonly scopes: ReadonlySet<Scope>;
}
