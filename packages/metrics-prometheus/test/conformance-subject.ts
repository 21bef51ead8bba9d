import type { MetricsSpec, MetricsSubject, RecorderUnderTest } from "@outrigger/conformance";
import { createMetrics, metricsServer } from "@outrigger/metrics-prometheus";

/** This package as the suite wants it. */
export const subject: MetricsSubject = {
  make,
  serve: async (recorder) => {
    const text = await recorder.scrape();
    const server = metricsServer({ host: "127.0.0.1", port: 0, render: () => text });
    await server.start?.(AbortSignal.timeout(5_000));
    return { port: server.address()?.port ?? 0, close: async () => server.stop?.() };
  },
};

function make(spec: MetricsSpec): RecorderUnderTest {
  const { telemetry, httpServer, httpClient, resiliency, errorCodes, render } = createMetrics(spec);
  return {
    telemetry,
    httpServed: ({ method, path, status, requestBytes, responseBytes, durationMs }) =>
      httpServer.record(method, path, status, requestBytes, responseBytes, durationMs),
    appAnswered: ({ method, path, status, requestBytes, responseBytes, durationMs }) =>
      httpClient.record(method, path, status, requestBytes, responseBytes, durationMs),
    breaker: (event) => resiliency.happened({ ...event, policy: "circuitbreaker" }),
    errorCode: (code) => errorCodes?.record(code),
    scrape: render,
  };
}
