import type { AppChannel } from "../app-channel.ts";
import type { AppHealth } from "../app-health.ts";
import type { InvokeRequest, InvokeResponse } from "../call.ts";
import { OutriggerError } from "../errors.ts";
import type { ExternalTarget, ExternalTargets } from "../external-targets.ts";
import type { Resiliency } from "../resiliency.ts";
import type { Telemetry } from "../telemetry.ts";
import { countedAttempt } from "./counted-attempt.ts";
import { normalizeMethod } from "./method-path.ts";
import { invokeUnder } from "./policed-invoke.ts";
import type { RemoteInvoker, Route } from "./remote.ts";
import { parseTarget, type Target } from "./target.ts";

/** What the caller's half works with. */
export interface CallerParts {
  readonly appId: string;
  readonly namespace: string;
  readonly appChannel: AppChannel | undefined;
  readonly appHealth: AppHealth;
  readonly remote: RemoteInvoker;
  readonly egress: ExternalTargets | undefined;
  readonly resiliency: Resiliency | undefined;
  readonly telemetry: Telemetry | undefined;
}

/** The caller's half: own app, a server outside, or another app. Read together with `remote.ts` and `receive.ts`. */
export function createInvoke(
  parts: CallerParts,
): (request: InvokeRequest) => Promise<InvokeResponse> {
  const { telemetry } = parts;
  if (telemetry?.started === undefined && telemetry?.finished === undefined) {
    return (request) => invoke(parts, undefined, request);
  }
  return async (request) => {
    const token = telemetry.started?.("caller", request);
    try {
      const response = await invoke(parts, token, request);
      telemetry.finished?.(token, request, response, undefined);
      return response;
    } catch (reason) {
      telemetry.finished?.(token, request, undefined, reason);
      throw reason;
    }
  };
}

async function invoke(
  parts: CallerParts,
  token: unknown,
  request: InvokeRequest,
): Promise<InvokeResponse> {
  const method = normalizeMethod(request.method);
  const target = parseTarget(request.target, parts.namespace);
  const call = method === request.method ? request : { ...request, method };
  if (parts.resiliency !== undefined) {
    return invokeResiliently(parts, parts.resiliency, token, call, target);
  }
  return dispatch(parts, token, call, target, undefined);
}

function invokeResiliently(
  parts: CallerParts,
  resiliency: Resiliency,
  token: unknown,
  call: InvokeRequest,
  target: Target,
): Promise<InvokeResponse> {
  const policy = resiliency.policyFor(call.target, breakerKey(parts, call, target));
  // The namespace is not part of an entry's name here (Dapr).
  const builtIn = target.kind === "url" || !resiliency.hasTarget(target.appId);
  // What no policy touches goes the way of a runtime without any.
  if (policy === undefined && builtIn) return dispatch(parts, token, call, target, undefined);
  const route: Route = { builtIn, tried: [], known: 0 };
  if (policy === undefined) return dispatch(parts, token, call, target, route);
  return invokeUnder(policy, call, (attempt) => dispatch(parts, token, attempt, target, route), {
    instances: () => route.known,
    retrying: (reason, delayMs) => parts.telemetry?.retried?.(token, reason, delayMs),
  });
}

/** What a circuit breaker covers: a method of an app, an endpoint, a method behind a URL (Dapr). */
function breakerKey({ egress }: CallerParts, call: InvokeRequest, target: Target): string {
  if (target.kind === "url") return `${target.url}/${call.method}`;
  if (egress?.hasEndpoint(target.appId)) {
    return `${call.target}:${egress.baseUrl?.(target.appId) ?? ""}`;
  }
  return `${call.target}:${call.method}`;
}

function dispatch(
  parts: CallerParts,
  token: unknown,
  call: InvokeRequest,
  target: Target,
  route: Route | undefined,
): Promise<InvokeResponse> {
  if (target.kind === "url") {
    return callOutside(parts, requireEgress(parts, target.url), token, call, target);
  }
  // Endpoints come before apps, the own one included, and the namespace does not matter (Dapr).
  if (parts.egress?.hasEndpoint(target.appId)) {
    const endpoint = { kind: "endpoint", name: target.appId } as const;
    return callOutside(parts, parts.egress, token, call, endpoint);
  }
  if (target.appId === parts.appId && target.namespace === parts.namespace) {
    parts.telemetry?.resolved?.(token, target, undefined);
    return callOwnApp(parts, call);
  }
  return parts.remote.invoke(call, target, token, route);
}

function callOutside(
  { telemetry }: CallerParts,
  egress: ExternalTargets,
  token: unknown,
  call: InvokeRequest,
  target: ExternalTarget,
): Promise<InvokeResponse> {
  if (telemetry === undefined) return egress.deliver(call, target);
  telemetry.resolved?.(token, target, undefined);
  const name = target.kind === "url" ? target.url : target.name;
  return countedAttempt(telemetry, name, () => egress.deliver(call, target));
}

function requireEgress({ egress }: CallerParts, url: string): ExternalTargets {
  if (egress !== undefined) return egress;
  throw new OutriggerError(`URL targets are not configured: ${url}`, {
    code: "OTR_TARGET_INVALID",
    details: { target: url },
  });
}

/** A call to the own app takes no network and no access policy (Dapr: self invocation). */
function callOwnApp(parts: CallerParts, call: InvokeRequest): Promise<InvokeResponse> {
  const { appChannel } = parts;
  if (appChannel === undefined) {
    throw new OutriggerError("cannot invoke local endpoint: app channel not initialized", {
      code: "OTR_APP_CHANNEL_MISSING",
    });
  }
  parts.appHealth.assertHealthy();
  return appChannel.deliver(call);
}
