import type { GrpcServerCall, GrpcStatus } from "@outrigger/grpc-http2";
import type { IngressSettings } from "./options.ts";

/** How a call ended, for log and metrics. */
export interface CallEnd {
  readonly status: GrpcStatus;
  /** Bytes of the messages of a unary call; streams have none to tell. */
  readonly sizes?: { readonly received: number; readonly sent: number };
  /** Error of Dapr's that the answer is. */
  readonly errorCode?: string | undefined;
}

/** Told of each call for metrics; must not throw. Plain arguments, so that telling costs no object. */
export type RpcListener = (
  /** `/package.Service/Method`. */
  path: string,
  code: number,
  durationMs: number,
  /** Size of the request's message; -1 for streams, whose sizes are not counted. */
  receivedBytes: number,
  sentBytes: number,
) => void;

/** Tells those who listen of calls: the log, metrics, error codes. */
export interface CallTeller {
  /** What `end` wants back. */
  start(): number;
  end(call: GrpcServerCall, end: CallEnd, started: number): void;
}

/** @param now the clock of the log. */
export function callTeller(
  { onApiCall, onRpc, onErrorCode }: IngressSettings,
  now: () => number,
): CallTeller {
  return {
    start: now,
    end: (call, { status, sizes, errorCode }, started) => {
      const durationMs = now() - started;
      // Of streams only those count that a client wants to have proxied (Dapr).
      if (onRpc !== undefined && (sizes ?? call.header("dapr-app-id")) !== undefined) {
        onRpc(call.path, status.code, durationMs, sizes?.received ?? -1, sizes?.sent ?? 0);
      }
      if (errorCode !== undefined) onErrorCode?.(errorCode);
      onApiCall?.({
        method: call.path,
        userAgent: call.header("user-agent"),
        durationMs,
        code: status.code,
      });
    },
  };
}
