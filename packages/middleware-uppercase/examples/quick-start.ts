import { type HttpRequest, LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareUppercase } from "@outrigger/middleware-uppercase";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([middlewareUppercase({ direction: "both" })(context)]);

const request: HttpRequest = {
  method: "POST",
  path: "/orders",
  query: "",
  headers: [],
  body: Buffer.from("shout"),
  bodyLength: 5,
  signal: AbortSignal.timeout(1_000),
};

const response = await pipeline.run(request, async (passed) => ({
  status: 200,
  headers: ["X-Path", passed.path],
  body: passed.body,
}));
console.log(response.status, response.body.toString()); // 200 SHOUT
