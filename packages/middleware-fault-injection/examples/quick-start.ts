import { type HttpRequest, LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareFaultInjection } from "@outrigger/middleware-fault-injection";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([
  middlewareFaultInjection({
    delay: { percentage: 50, durationMs: 20 },
    abort: { percentage: 100, httpStatus: 503 },
    headers: { "x-try": "faults" },
  })(context),
]);

const request: HttpRequest = {
  method: "POST",
  path: "/orders",
  query: "",
  headers: ["X-Try", "faults"],
  body: Buffer.from(""),
  bodyLength: 0,
  signal: AbortSignal.timeout(1_000),
};

const response = await pipeline.run(request, async (passed) => ({
  status: 200,
  headers: ["X-Path", passed.path],
  body: passed.body,
}));
console.log(response.status, response.headers.includes("X-Outrigger-Fault")); // 503 true
