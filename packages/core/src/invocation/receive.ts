import { type AccessPolicy, noPolicy } from "../access-policy.ts";
import type { AppChannel } from "../app-channel.ts";
import type { AppHealth } from "../app-health.ts";
import type { InvokeResponse, ReceivedCall } from "../call.ts";
import { errorText, isOutriggerError, rpcError } from "../errors.ts";
import { RpcCode } from "../rpc-status.ts";
import type { Telemetry } from "../telemetry.ts";
import { provenClaims } from "./caller-claims.ts";
import { normalizeMethod } from "./method-path.ts";
import { decideOnAllReadings } from "./readings.ts";

/** What the callee's half works with. */
export interface CalleeParts {
  readonly appChannel: AppChannel | undefined;
  readonly appHealth: AppHealth;
  readonly accessPolicy: AccessPolicy | undefined;
  readonly telemetry: Telemetry | undefined;
}

/** The callee's half: authorise what will be delivered, then deliver it. */
export function createReceive(parts: CalleeParts): (call: ReceivedCall) => Promise<InvokeResponse> {
  const { telemetry } = parts;
  if (telemetry?.started === undefined && telemetry?.finished === undefined) {
    return (call) => receive(parts, undefined, call);
  }
  return async (call) => {
    const token = telemetry.started?.("callee", call);
    try {
      const response = await receive(parts, token, call);
      telemetry.finished?.(token, call, response, undefined);
      return response;
    } catch (reason) {
      telemetry.finished?.(token, call, undefined, reason);
      throw reason;
    }
  };
}

/** @throws OutriggerError `OTR_APP_CHANNEL_MISSING` when no call can be delivered. */
export function requireAppChannel({ appChannel }: Pick<CalleeParts, "appChannel">): AppChannel {
  if (appChannel !== undefined) return appChannel;
  throw rpcError("OTR_APP_CHANNEL_MISSING", {
    code: RpcCode.INTERNAL,
    message: "app channel is not initialized",
  });
}

async function receive(
  parts: CalleeParts,
  token: unknown,
  received: ReceivedCall,
): Promise<InvokeResponse> {
  const appChannel = requireAppChannel(parts);
  const method = normalizeMethod(received.method);
  const metadata = provenClaims(received.metadata, received.peer);
  const asSent = method === received.method && metadata === received.metadata;
  const call = asSent ? received : { ...received, method, metadata };
  authorize(parts, token, call, appChannel);
  const { telemetry } = parts;
  if (telemetry === undefined) return deliver(parts, appChannel, call);
  telemetry.received?.(call);
  // What Dapr counts for a call in chunks that did not get an answer.
  let code: number = call.isUnary ? RpcCode.INTERNAL : RpcCode.OK;
  try {
    const response = await deliver(parts, appChannel, call);
    code = response.status.code;
    return response;
  } finally {
    telemetry.replied?.(call, code);
  }
}

async function deliver(
  parts: CalleeParts,
  appChannel: AppChannel,
  call: ReceivedCall,
): Promise<InvokeResponse> {
  try {
    parts.appHealth.assertHealthy();
    if (call.defect !== undefined) throw call.defect;
    return await appChannel.deliver(call);
  } catch (reason) {
    if (isOutriggerError(reason, "OTR_ABORTED")) throw reason;
    throw rpcError(
      isOutriggerError(reason) ? reason.code : "OTR_APP_FAILED",
      { code: RpcCode.INTERNAL, message: `error invoking app channel: ${errorText(reason)}` },
      { cause: reason },
    );
  }
}

function authorize(
  parts: CalleeParts,
  token: unknown,
  call: ReceivedCall,
  appChannel: AppChannel,
): void {
  const { accessPolicy, telemetry } = parts;
  if (accessPolicy === undefined) {
    telemetry?.judged?.(call.peer, noPolicy);
    return;
  }
  const protocol = appChannel.protocol.startsWith("grpc") ? "grpc" : "http";
  const verb = protocol === "grpc" ? "" : (call.http?.verb ?? "");
  const request = { peer: call.peer, verb, protocol } as const;
  const decision = decideOnAllReadings(accessPolicy, { ...request, method: call.method });
  telemetry?.judged?.(call.peer, decision);
  if (decision.allowed) return;
  telemetry?.denied?.(token, call, decision.reason);
  const id = call.peer?.spiffeId ?? "";
  throw rpcError("OTR_POLICY_DENIED", {
    code: RpcCode.PERMISSION_DENIED,
    message: `access control policy has denied access to id: ${id} operation: ${call.method} verb: ${verb || "NONE"}`,
  });
}
