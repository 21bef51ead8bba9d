import type { Received } from "@outrigger/spiffe";
import { claimsOf } from "./accept-certificate.ts";

/** Renewing faster than this helps nobody, whatever the lifetime. */
const leastWaitMs = 10;

/**
 * When to renew, in milliseconds since the epoch: at half of the validity, as Dapr does, up to 5 %
 * of it earlier so that sidecars that started together spread out. A lifetime below the clock skew
 * that the authority grants has its half in the past already; then half of what is left counts.
 */
export function renewalTime(
  { notBeforeMs, expiresAtMs, jwts }: Received,
  nowMs: number,
  random: number,
): number {
  const validity = expiresAtMs - notBeforeMs;
  const half = notBeforeMs + validity / 2 - validity * 0.05 * random;
  const left = nowMs + Math.max(leastWaitMs, (expiresAtMs - nowMs) / 2);
  const renewAt = half > nowMs + leastWaitMs ? half : left;
  return Math.min(renewAt, ...jwtTimes(jwts, nowMs));
}

function jwtTimes(jwts: Received["jwts"], nowMs: number): readonly number[] {
  return [...(jwts?.values() ?? [])].flatMap((token) => {
    const { exp } = claimsOf(token);
    if (typeof exp !== "number") return [];
    return [nowMs + Math.max(leastWaitMs, (exp * 1_000 - nowMs) / 2)];
  });
}
