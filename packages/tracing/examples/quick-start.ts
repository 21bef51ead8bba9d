import { silentLogger } from "@outrigger/core";
import { type SpanExporterFactory, tracing } from "@outrigger/tracing";

const toConsole: SpanExporterFactory = () => ({
  name: "console",
  target: "the console",
  export: async (spans) => {
    for (const { name, traceId, durationMs } of spans) console.log(name, traceId, durationMs);
  },
});

const tracer = tracing({ samplingRate: 1, exporters: [toConsole] })({
  appId: "checkout",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});

const trace = tracer.begin("client", "CallLocal/orders/new", undefined);
console.log(trace.traceparent); // 00-<trace id>-<span id>-01
trace.span?.set("net.peer.name", "orders");
trace.span?.end();

await tracer.stop?.(); // sends what waits
