import { silentLogger } from "@outrigger/core";
import { tracing } from "@outrigger/tracing";
import { tracingZipkin } from "@outrigger/tracing-zipkin";

const createTracer = tracing({
  samplingRate: 1,
  exporters: [tracingZipkin({ url: "http://127.0.0.1:9411/api/v2/spans" })],
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
