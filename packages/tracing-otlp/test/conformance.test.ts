import type { ConformanceSetup, TracingSubject } from "@outrigger/conformance";
import { tracingConformance } from "@outrigger/conformance/vitest";
import { tracing } from "@outrigger/tracing";
import { type OtlpProtocol, tracingOtlp } from "@outrigger/tracing-otlp";
import { startOtlpCollector } from "./otlp-collector.ts";

async function setup(protocol: OtlpProtocol): Promise<ConformanceSetup<TracingSubject>> {
  const collector = await startOtlpCollector(protocol);
  const endpoint = `127.0.0.1:${collector.port}`;
  const exporter = tracingOtlp({ endpoint, protocol, secure: false, timeoutMs: 2_000 });
  return {
    subject: {
      create: (settings, context) => tracing({ ...settings, exporters: [exporter] })(context),
      collector,
    },
    teardown: () => collector.close(),
  };
}

for (const protocol of ["grpc", "http"] as const) {
  tracingConformance({
    name: `@outrigger/tracing-otlp (${protocol})`,
    setup: () => setup(protocol),
  });
}
