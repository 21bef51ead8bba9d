import { type HeaderList, RpcCode, type RpcStatus, type TraceContext } from "@outrigger/core";
import type { GrpcServerCall } from "@outrigger/grpc-http2";
import { encodeErrorInfo, errorInfoTypeUrl } from "@outrigger/protocol";
import type { IngressSettings } from "./options.ts";
import { baggageMetadata } from "./trace.ts";

/** What passed the gate. */
export interface Admitted {
  /** Headers to work with. */
  readonly headers: HeaderList;
  /** Headers that the answer repeats. */
  readonly echo: HeaderList;
  /** Context that the call goes on with; `undefined` where nobody traces. */
  readonly trace?: TraceContext | undefined;
  readonly refusal?: undefined;
}

/** What passed the gate, or the status for what did not. */
export type Admission = Admitted | { readonly refusal: RpcStatus };

/** Only Dapr's own services are subject to the lists of allowed and denied APIs. */
const apiPrefix = "/dapr.proto.runtime.";

/** Services that Dapr does not trace, so that its own proxy has to notice a missing target. */
const untraced = /^\/(dapr\.proto\.runtime\.|dapr\.proto\.internals\.|TaskHubSidecarService)/;

/**
 * Asks in Dapr's order: the lists of APIs, the token, and what tracing looks at.
 * @throws OutriggerError with status INVALID_ARGUMENT for a broken baggage.
 */
export function admit(call: GrpcServerCall, settings: IngressSettings): Admission {
  const { isAllowed, authenticate, tracing } = settings;
  if (isAllowed !== undefined && call.path.startsWith(apiPrefix) && !isAllowed(call.path)) {
    return { refusal: notImplemented };
  }
  const refusal = authenticate?.(call.headers);
  if (refusal !== undefined) return { refusal };
  if (tracing && !untraced.test(call.path) && !namesTarget(call.headers)) {
    // Dapr takes everything here for a proxied call, its own reflection service included.
    return { refusal: missingTarget };
  }
  return {
    headers: authenticate === undefined ? call.headers : withoutToken(call.headers),
    echo: tracing ? baggageMetadata(call.headers) : [],
  };
}

/** True when metadata says which app a call is for. */
export function namesTarget(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    if (name === "dapr-callee-app-id" || name === "dapr-app-id") return true;
  }
  return false;
}

const missingTarget: RpcStatus = {
  code: RpcCode.UNKNOWN,
  message: "cannot proxy request: missing dapr-callee-app-id or dapr-app-id metadata",
};

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
