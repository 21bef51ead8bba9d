import { type HttpRequest, LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareRouterAlias } from "@outrigger/middleware-router-alias";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([
  middlewareRouterAlias({
    routes: { "/hello/{id}": "/v1.0/invoke/greeter/method/hello" },
  })(context),
]);

const request: HttpRequest = {
  method: "POST",
  path: "/hello/7",
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
console.log(response.headers); // ["X-Path", "/v1.0/invoke/greeter/method/hello"], and the query is id=7
