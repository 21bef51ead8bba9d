import { type AccessToken, accessToken, type TokenRefusal } from "@outrigger/access-token";
import { type HeaderList, RpcCode, type RpcStatus } from "@outrigger/core";
import { encodeErrorInfo, errorInfoTypeUrl } from "@outrigger/protocol";
import type { Environment } from "../flags/validate-options.ts";

/** The API token of the environment, if there is one. */
export function apiToken(env: Environment): AccessToken | undefined {
  return env.DAPR_API_TOKEN ? accessToken(env.DAPR_API_TOKEN) : undefined;
}

/** The check of gRPC calls, with the details that Dapr puts into its refusals. */
export function grpcAuthentication(
  token: AccessToken,
): (metadata: HeaderList) => RpcStatus | undefined {
  return (metadata) => {
    const refusal = token.checkMetadata(metadata);
    return refusal === undefined ? undefined : unauthenticated(refusal);
  };
}

function unauthenticated(refusal: TokenRefusal): RpcStatus {
  const info = {
    reason: "Unauthorized",
    domain: "dapr.io",
    metadata: { "http.code": "401", "http.error_message": refusal },
  };
  const detail = { typeUrl: errorInfoTypeUrl, value: encodeErrorInfo(info) };
  return { code: RpcCode.UNAUTHENTICATED, message: "Unauthorized", details: [detail] };
}
