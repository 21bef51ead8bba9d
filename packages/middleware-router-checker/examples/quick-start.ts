import { type HttpRequest, LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareRouterChecker } from "@outrigger/middleware-router-checker";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([middlewareRouterChecker({ rule: "^/v1.0/invoke/[a-z]+/method/" })(context)]);

const request: HttpRequest = {
  method: "POST",
  path: "/v1.0/secrets/vault",
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
console.log(response.status, response.body.toString()); // 400 invalid router
