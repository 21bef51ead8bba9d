import { LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareBearer } from "@outrigger/middleware-bearer";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const guard = middlewareBearer({
  issuer: "https://login.example.com",
  audience: "orders",
})(context);
await guard.start?.(AbortSignal.timeout(5_000)); // fetches the issuer's keys

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([guard]);
