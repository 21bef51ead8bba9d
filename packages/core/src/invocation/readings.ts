import {
  type AccessDecision,
  type AccessPolicy,
  type AccessRequest,
  decideOrDeny,
} from "../access-policy.ts";
import type { ByteString } from "../call.ts";
import { cleanPath } from "./method-path.ts";

/**
 * Decides on a method in each way that it can be read. An HTTP app gets escapes as they are, as
 * with Dapr, and decodes them: `public/%2e%2e/admin` is below `public` for whoever reads text and
 * `admin` for most routers. So both readings must be allowed; a policy can only deny more by it.
 */
export function decideOnAllReadings(policy: AccessPolicy, request: AccessRequest): AccessDecision {
  const decision = decideOrDeny(policy, request);
  if (!decision.allowed || request.protocol !== "http" || !request.method.includes("%")) {
    return decision;
  }
  return decideOrDeny(policy, { ...request, method: asApp(request.method) });
}

/** The path as an app that decodes and cleans it reads it. */
function asApp(method: ByteString): ByteString {
  const decoded = method.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  // Rooted, so that nothing leads above the root.
  return cleanPath(`/${decoded}`).slice(1);
}
