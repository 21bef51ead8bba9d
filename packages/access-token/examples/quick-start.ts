import { type AccessToken, accessToken } from "@outrigger/access-token";

/** Pass `httpGuard` to the HTTP ingress as a guard, and ask `checkMetadata` on gRPC calls. */
export function protect(
  env: Readonly<Record<string, string | undefined>>,
): AccessToken | undefined {
  return env.DAPR_API_TOKEN ? accessToken(env.DAPR_API_TOKEN) : undefined;
}
