import { createRuntime, type Runtime } from "@outrigger/core";
import { createMetrics, metricsServer } from "@outrigger/metrics-prometheus";
import { memoryNetwork, transportMemory } from "@outrigger/transport-memory";

const metrics = createMetrics({
  appId: "checkout",
  http: { increasedCardinality: false, pathMatching: ["/orders/{orderID}"] },
});

/** Measures calls between sidecars and serves the figures on port 9090 of this machine. */
export function startCheckout(): Promise<Runtime> {
  return createRuntime({
    appId: "checkout",
    transport: transportMemory({ network: memoryNetwork() }),
    telemetry: [metrics.telemetry],
    companions: [metricsServer({ host: "127.0.0.1", render: () => metrics.render() })],
  });
}
