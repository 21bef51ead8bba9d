import { LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareOpa } from "@outrigger/middleware-opa";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

// opa build -t wasm -e http/allow -o policy.tar.gz policy.rego
const guard = middlewareOpa({
  policyFile: "policy.tar.gz",
  includedHeaders: ["x-role"],
})(context);
await guard.start?.(AbortSignal.timeout(5_000)); // loads the policy

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([guard]);
