import { type AccessPolicy, decideOrDeny, noPolicy } from "../access-policy.ts";
import { type HeaderList, headerValue } from "../call.ts";
import { OutriggerError, rpcError } from "../errors.ts";
import { goQuote } from "../go-quote.ts";
import type { ProxyCall, ProxyChannel, ProxyResponse } from "../proxy.ts";
import type { Resiliency } from "../resiliency.ts";
import type { Endpoint, ResolveRequest, Resolver } from "../resolver.ts";
import { RpcCode } from "../rpc-status.ts";
import type { Telemetry } from "../telemetry.ts";
import type { Connection, Transport } from "../transport.ts";
import { provenClaims } from "./caller-claims.ts";
import { countedProxy } from "./counted-attempt.ts";
import type { EndpointPicker } from "./endpoint-picker.ts";
import { isRetryable } from "./failures.ts";
import { normalizeMethod } from "./method-path.ts";
import { proxyUnder } from "./policed-proxy.ts";
import { remember } from "./remote.ts";
import { canRepeat, TrackedBody } from "./repeatable-body.ts";
import { parseTarget } from "./target.ts";

/** What proxying works with. */
export interface ProxyParts {
  readonly appId: string;
  readonly namespace: string;
  readonly resolver: Resolver | undefined;
  readonly transport: Transport;
  readonly picker: EndpointPicker;
  readonly accessPolicy: AccessPolicy | undefined;
  readonly appProxy: ProxyChannel | undefined;
  readonly resiliency: Resiliency | undefined;
  readonly telemetry: Telemetry | undefined;
}

/** Metadata keys that choose the target; sidecars use the first between each other. */
const calleeKey = "dapr-callee-app-id";
const appKey = "dapr-app-id";

/** A connection that could not be opened is tried once more, on another endpoint where there is one. */
const maxAttempts = 3;

/** Proxies a call of the local app (Dapr `pkg/messaging/grpc_proxy.go`). */
export function createProxy(parts: ProxyParts): (call: ProxyCall) => Promise<ProxyResponse> {
  return async (call) => {
    const id = headerValue(call.metadata, calleeKey) ?? headerValue(call.metadata, appKey);
    if (id === undefined) throw missingTarget();
    const target = parseTarget(id, parts.namespace);
    if (target.kind === "url") {
      throw new OutriggerError(`invalid app id ${id}`, { code: "OTR_TARGET_INVALID" });
    }
    // The namespace is not looked at, as in Dapr: the own id is the own app.
    if (target.appId !== parts.appId) return proxyToPeer(parts, call, id, target);
    return countedProxy(parts.telemetry, call, (onSent) => proxyToApp(parts, call, onSent));
  };
}

/**
 * Takes a proxied call from another sidecar. It must be for the own app: passing it on to a third
 * one would lend this sidecar's identity to the caller.
 */
export function createProxyReceive(parts: ProxyParts): (call: ProxyCall) => Promise<ProxyResponse> {
  return async (call) => {
    const id = headerValue(call.metadata, calleeKey) ?? headerValue(call.metadata, appKey);
    if (id === undefined) throw isDaprPath(call.path) ? missingForDapr() : missingTarget();
    const target = parseTarget(id, parts.namespace);
    if (target.kind !== "app" || target.appId !== parts.appId) {
      throw rpcError("OTR_POLICY_DENIED", {
        code: RpcCode.PERMISSION_DENIED,
        message: `this sidecar serves ${parts.appId} and does not pass calls on to ${id}`,
      });
    }
    return proxyToApp(parts, call);
  };
}

/** Unknown methods of Dapr's own services are told apart in Dapr's words. */
function isDaprPath(path: string): boolean {
  return path.startsWith("/dapr.proto.runtime.") || path.startsWith("/dapr.proto.internals.");
}

function missingForDapr(): OutriggerError {
  return new OutriggerError(
    `failed to proxy request: required metadata ${calleeKey} or ${appKey} not found`,
    { code: "OTR_TARGET_INVALID" },
  );
}

function missingTarget(): OutriggerError {
  return new OutriggerError(`cannot proxy request: missing ${calleeKey} or ${appKey} metadata`, {
    code: "OTR_TARGET_INVALID",
  });
}

async function proxyToApp(
  parts: ProxyParts,
  call: ProxyCall,
  onSent?: () => void,
): Promise<ProxyResponse> {
  const method = normalizeMethod(call.path);
  authorize(parts, call, method);
  onSent?.();
  if (parts.appProxy === undefined) {
    throw rpcError("OTR_APP_CHANNEL_MISSING", {
      code: RpcCode.UNAVAILABLE,
      message: "app channel is not initialized",
    });
  }
  const metadata = provenClaims(without(call.metadata, [appKey]), call.peer);
  return parts.appProxy.proxy({ ...call, metadata });
}

function authorize({ accessPolicy, telemetry }: ProxyParts, call: ProxyCall, method: string): void {
  const { peer } = call;
  if (accessPolicy === undefined) {
    telemetry?.judged?.(peer, noPolicy);
    return;
  }
  refuseAmbiguous(call.path, method);
  const decision = decideOrDeny(accessPolicy, { peer, method, verb: "", protocol: "grpc" });
  telemetry?.judged?.(peer, decision);
  if (decision.allowed) return;
  throw rpcError("OTR_POLICY_DENIED", {
    code: RpcCode.PERMISSION_DENIED,
    message: `access control policy has denied access to id: ${peer?.spiffeId ?? ""} operation: ${method} verb: NONE`,
  });
}

/** The app gets the path as it was sent, so rules must have been asked about exactly that. */
function refuseAmbiguous(path: string, normalized: string): void {
  if (path === normalized && path.startsWith("/")) return;
  throw rpcError("OTR_METHOD_INVALID", {
    code: RpcCode.INVALID_ARGUMENT,
    message: `invalid method: ${goQuote(path)} is not in its normal form ${goQuote(normalized)}`,
  });
}

async function proxyToPeer(
  parts: ProxyParts,
  call: ProxyCall,
  id: string,
  target: ResolveRequest,
): Promise<ProxyResponse> {
  const { resolver, resiliency } = parts;
  if (resolver === undefined) {
    throw new OutriggerError("name resolver not initialized", { code: "OTR_RESOLVER_MISSING" });
  }
  const route: ProxyRoute = { target, tried: [], known: false };
  const policy = resiliency?.policyFor(id, `${id}:${call.path}`);
  const open = (attempt: ProxyCall): Promise<ProxyResponse> =>
    countedProxy(parts.telemetry, call, (onSent) =>
      openAtPeer(parts, resolver, attempt, route, onSent),
    );
  return policy === undefined ? open(call) : proxyUnder(policy, call, open, () => route.known);
}

/** What the attempts of one call have in common. */
interface ProxyRoute {
  readonly target: ResolveRequest;
  /** Endpoints that were chosen; avoided while there are others. */
  tried: Endpoint[];
  /** Whether the target was found. */
  known: boolean;
}

async function openAtPeer(
  parts: ProxyParts,
  resolver: Resolver,
  call: ProxyCall,
  route: ProxyRoute,
  onSent: () => void,
): Promise<ProxyResponse> {
  const { target } = route;
  const frames = new TrackedBody(call.frames);
  const outgoing = { ...call, frames, metadata: forwardedMetadata(parts, call.metadata, target) };
  for (let attempt = 1; ; attempt++) {
    const endpoints = await resolver.resolve(target, call.signal);
    route.known = true;
    const balanced = { method: outgoing.path, metadata: outgoing.metadata };
    const endpoint = parts.picker.pick(target, endpoints, route.tried, balanced);
    remember(route, endpoints, endpoint);
    const connection = parts.transport.connect(endpoint, target);
    if (attempt === 1) onSent();
    try {
      return await parts.picker.duringProxy(endpoint, () => openProxy(connection, outgoing));
    } catch (reason) {
      if (!isRetryable(reason) || !canRepeat(frames) || attempt >= maxAttempts) throw reason;
      connection.reset();
      resolver.report?.(target, endpoint, "unreachable");
    }
  }
}

function openProxy(connection: Connection, call: ProxyCall): Promise<ProxyResponse> {
  if (connection.proxy !== undefined) return connection.proxy(call);
  throw rpcError("OTR_PEER_FAILED", {
    code: RpcCode.UNIMPLEMENTED,
    message: "the transport does not carry proxied calls",
  });
}

/** Only a sidecar may say who calls; the callee gets its bare id, which it knows as its own. */
function forwardedMetadata(
  parts: ProxyParts,
  metadata: HeaderList,
  target: ResolveRequest,
): HeaderList {
  return [
    ...without(metadata, [appKey, calleeKey, "dapr-caller-app-id"]),
    ...["dapr-caller-app-id", parts.appId, calleeKey, target.appId],
  ];
}

function without(metadata: HeaderList, names: readonly string[]): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < metadata.length; index += 2) {
    const name = metadata[index] as string;
    if (!names.includes(name.toLowerCase())) kept.push(name, metadata[index + 1] as string);
  }
  return kept;
}
