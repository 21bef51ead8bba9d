import { headerValue, type InvokeResponse } from "../call.ts";
import { toRpcStatus } from "../errors.ts";
import type { ProxyCall, ProxyResponse } from "../proxy.ts";
import type { CallForm, Telemetry } from "../telemetry.ts";

/** Makes an attempt and tells of it, and of its answer. */
export async function countedAttempt(
  telemetry: Telemetry,
  target: string,
  attempt: () => Promise<InvokeResponse>,
): Promise<InvokeResponse> {
  telemetry.sent?.(target, "unary");
  const startedAt = performance.now();
  const response = await attempt();
  telemetry.answered?.(target, "unary", response.status.code, performance.now() - startedAt);
  return response;
}

/** Opens a proxied call; `onSent` is called once its target has been found. */
type Open = (onSent: () => void) => Promise<ProxyResponse>;

/**
 * Opens a proxied call and tells of it. Only clients name an app with `dapr-app-id`: what came from
 * another sidecar is not told. A stream that has been opened is not told of again (Dapr
 * `pkg/api/grpc/proxy/handler.go`).
 */
export async function countedProxy(
  telemetry: Telemetry | undefined,
  call: ProxyCall,
  open: Open,
): Promise<ProxyResponse> {
  const target = telemetry && headerValue(call.metadata, "dapr-app-id");
  if (telemetry === undefined || target === undefined) return open(() => undefined);
  const form: CallForm = isAnnouncedStream(call) ? "streaming" : "unary";
  let startedAt: number | undefined;
  const answered = (code: number): void => {
    if (startedAt === undefined) return;
    telemetry.answered?.(target, form, code, performance.now() - startedAt);
  };
  try {
    const response = await open(() => {
      startedAt = performance.now();
      telemetry.sent?.(target, form);
    });
    if (form === "unary") void response.ended.then(({ status }) => answered(status.code));
    return response;
  } catch (reason) {
    answered(toRpcStatus(reason).code);
    throw reason;
  }
}

/** Nothing tells a unary call from a stream but the client's `dapr-stream`. */
export function isAnnouncedStream({ metadata }: ProxyCall): boolean {
  const value = headerValue(metadata, "dapr-stream");
  return value !== undefined && /^\s*(?:y|yes|true|t|on|1)\s*$/i.test(value);
}
