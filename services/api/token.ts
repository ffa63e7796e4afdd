// Tokens of an identity provider (OIDC): signed, for us, by whom we trust, now. Scopes and roles that it grants and that
// we do not know are nothing.

import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from "jose";
import { ApiProblem } from "./problem.ts";
import { isRole, isScope, ROLES, type Scope } from "./role.ts";

export interface TokenSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly algorithms: readonly string[];
}

export interface VerifiedToken {
  readonly subject: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly expiresAtMs: number;
}

const TOKEN_LENGTH_MAX = 8192;
const SUBJECT_LENGTH_MAX = 256;
const CLOCK_TOLERANCE_S = 5;
const JWKS_TIMEOUT_MS = 3000;
/** How long a key counts that the provider has withdrawn, and how long its being away is borne. */
export const JWKS_KEPT_MS = 10 * 60_000;
/** How soon an unknown key is asked for again: whoever makes up names of keys does not make us ask each time. */
export const JWKS_PAUSE_MS = 30_000;
const TYPES = new Set(["jwt", "at+jwt", "application/at+jwt"]);

export type TokenVerifier = (token: string) => Promise<VerifiedToken | null>;

export function createTokenVerifier({ issuer, audience, jwksUrl, algorithms }: TokenSettings): TokenVerifier {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cacheMaxAge: JWKS_KEPT_MS,
    cooldownDuration: JWKS_PAUSE_MS,
  });
  return async (token) => {
    if (token.length > TOKEN_LENGTH_MAX) return null;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ["exp", "sub"],
      });
      const { typ } = protectedHeader;
      if (typ !== undefined && !TYPES.has(typ.toLowerCase())) return null;
      return readPayload(payload);
    } catch (error) {
      if (isKeySetAway(error)) throw new ApiProblem("identity-provider-unavailable", {}, { cause: error });
      // Whatever a token can be made to throw, it is not a valid token.
      return null;
    }
  };
}

/** The token may be good: nobody can say so while the provider's keys cannot be read. */
function isKeySetAway(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  if (error instanceof TypeError) return error.message === "fetch failed";
  return error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC";
}

function readPayload(payload: JWTPayload): VerifiedToken | null {
  const { sub, exp, scope, scp, roles } = payload;
  if (typeof sub !== "string" || sub === "" || sub.length > SUBJECT_LENGTH_MAX || exp === undefined) return null;
  const said = [...(typeof scope === "string" ? scope.split(" ") : []), ...(Array.isArray(scp) ? scp : [])];
  const granted = (Array.isArray(roles) ? roles : []).filter(isRole).flatMap((role) => [...ROLES[role]]);
  return { subject: sub, scopes: new Set([...said.filter(isScope), ...granted]), expiresAtMs: exp * 1000 };
}
