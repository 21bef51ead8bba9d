import {
  bytesToText,
  type ComponentFactory,
  type ExternalTarget,
  type ExternalTargets,
  headerValue,
  type InvokeRequest,
  type InvokeResponse,
  isBuffered,
} from "@outrigger/core";
import type { HttpClientMetrics } from "@outrigger/metrics-prometheus";

/** Calls of servers outside count like requests to the app: Dapr uses the same channel for both. */
export function measuredEgress(
  create: ComponentFactory<ExternalTargets>,
  metrics: HttpClientMetrics,
): ComponentFactory<ExternalTargets> {
  return (context) => {
    const egress = create(context);
    return {
      name: egress.name,
      start: async (signal) => egress.start?.(signal),
      stop: async () => egress.stop?.(),
      hasEndpoint: (name) => egress.hasEndpoint(name),
      baseUrl: (name) => egress.baseUrl?.(name),
      deliver: (call, target) => deliver(egress, metrics, call, target),
    };
  };
}

async function deliver(
  egress: ExternalTargets,
  metrics: HttpClientMetrics,
  call: InvokeRequest,
  target: ExternalTarget,
): Promise<InvokeResponse> {
  const startedAt = performance.now();
  const verb = call.http?.verb ?? "";
  const path = bytesToText(call.method);
  const sentBytes = isBuffered(call.body) ? call.body.length : 0;
  const tell = (status: number, receivedBytes: number): void =>
    metrics.record(verb, path, status, sentBytes, receivedBytes, performance.now() - startedAt);
  try {
    const response = await egress.deliver(call, target);
    tell(response.status.code, declaredBytes(response));
    return response;
  } catch (reason) {
    tell(500, 0);
    throw reason;
  }
}

function declaredBytes({ headers, body }: InvokeResponse): number {
  if (isBuffered(body)) return body.length;
  const declared = Number(headerValue(headers, "content-length"));
  return Number.isFinite(declared) && declared > 0 ? declared : 0;
}
