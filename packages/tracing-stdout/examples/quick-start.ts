import { silentLogger } from "@outrigger/core";
import { tracing } from "@outrigger/tracing";
import { tracingStdout } from "@outrigger/tracing-stdout";

const createTracer = tracing({
  samplingRate: 1,
  exporters: [tracingStdout()],
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
