import { silentLogger } from "@outrigger/core";
import { tracing } from "@outrigger/tracing";
import { tracingOtlp } from "@outrigger/tracing-otlp";

const createTracer = tracing({
  samplingRate: 1,
  exporters: [tracingOtlp({ endpoint: "127.0.0.1:4317", secure: false })],
});

// A runtime does this for its option `tracer: createTracer`.
const tracer = createTracer({
  appId: "checkout",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});
tracer.begin("client", "CallLocal/orders/new", undefined).span?.end();
await tracer.stop?.(); // sends what waits
