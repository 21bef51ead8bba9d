import { type HeaderList, RpcCode, type RpcStatus } from "@outrigger/core";
import type { GrpcServerCall } from "@outrigger/grpc-http2";
import { encodeErrorInfo, errorInfoTypeUrl } from "@outrigger/protocol";
import type { IngressSettings } from "./options.ts";

/** What passed the gate: headers to work with. What did not: the status. */
export type Admission =
  | { readonly headers: HeaderList; readonly refusal?: undefined }
  | { readonly refusal: RpcStatus };

/** Only Dapr's own services are subject to the lists of allowed and denied APIs. */
const apiPrefix = "/dapr.proto.runtime.";

/** Asks the two hooks in Dapr's order: the lists of APIs, then the token. */
export function admit(call: GrpcServerCall, settings: IngressSettings): Admission {
  const { isAllowed, authenticate } = settings;
  if (isAllowed !== undefined && call.path.startsWith(apiPrefix) && !isAllowed(call.path)) {
    return { refusal: notImplemented };
  }
  if (authenticate === undefined) return { headers: call.headers };
  const refusal = authenticate(call.headers);
  if (refusal !== undefined) return { refusal };
  return { headers: withoutToken(call.headers) };
}

const notImplemented: RpcStatus = {
  code: RpcCode.UNIMPLEMENTED,
  message: "Not Implemented",
  details: [
    {
      typeUrl: errorInfoTypeUrl,
      value: encodeErrorInfo({
        reason: "Not Implemented",
        domain: "dapr.io",
        metadata: {
          "http.code": "501",
          "http.error_message": "requested endpoint is not available",
        },
      }),
    },
  ],
};

function withoutToken(headers: HeaderList): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name !== "dapr-api-token") kept.push(name, headers[index + 1] as string);
  }
  return kept;
}
