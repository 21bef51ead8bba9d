import { type HttpRequest, LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareRateLimit } from "@outrigger/middleware-rate-limit";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([middlewareRateLimit({ maxRequestsPerSecond: 10 })(context)]);

const request: HttpRequest = {
  method: "POST",
  path: "/orders",
  query: "",
  headers: [],
  body: Buffer.from(""),
  bodyLength: 0,
  signal: AbortSignal.timeout(1_000),
};

const response = await pipeline.run(request, async (passed) => ({
  status: 200,
  headers: ["X-Path", passed.path],
  body: passed.body,
}));
console.log(response.status, response.headers.includes("RateLimit-Remaining")); // 200 true
