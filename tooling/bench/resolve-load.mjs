// Resolves and picks from memory: 1,000 apps with 10 endpoints each, some of which failed lately.
// Prints one line of JSON. Needs --expose-gc, and Node.js that erases types.
import { setTimeout as sleep } from "node:timers/promises";
import { roundRobin } from "../../packages/core/src/balancer.ts";
import { EndpointCache } from "../../packages/core/src/endpoint-cache.ts";
import { createEndpointHealth } from "../../packages/core/src/endpoint-health.ts";
import { EndpointPicker } from "../../packages/core/src/invocation/endpoint-picker.ts";

const resolves = Number(process.argv[2] ?? 1_000_000);
const apps = 1_000;
const endpointsPerApp = 10;
const failed = 100;
const warmUp = 100_000;

const now = () => performance.now();
const hourMs = 3_600_000;
const signal = new AbortController().signal;
const call = { method: "bench", metadata: [] };
const requests = Array.from({ length: apps }, (_, index) => ({
  appId: `app-${index}`,
  namespace: "default",
}));
const cache = new EndpointCache({ lookup: unexpected, now, freshMs: hourMs });
const health = createEndpointHealth({ now, retryAfterMs: hourMs });
const picker = new EndpointPicker(roundRobin());
requests.forEach((request, app) => {
  const endpoints = Array.from({ length: endpointsPerApp }, (_, index) => ({
    host: `10.${app >> 8}.${app & 255}.${index + 1}`,
    port: 50_002,
  }));
  cache.put(request, endpoints);
  if (app < failed) health.report(endpoints[0], "unreachable");
});

await run(warmUp);
const before = await heapBytes();
const startedAt = process.hrtime.bigint();
await run(resolves);
const resolveNanos = Number(process.hrtime.bigint() - startedAt) / resolves;
const resolveGrowthKilobytes = ((await heapBytes()) - before) / 1_024;
console.log(JSON.stringify({ resolveNanos, resolveGrowthKilobytes }));

async function run(count) {
  for (let index = 0; index < count; index += 1) {
    const request = requests[index % apps];
    const endpoints = health.filter(await cache.get(request, signal));
    picker.pick(request, endpoints, [], call);
  }
}

async function heapBytes() {
  // Twice, with a turn of the event loop between: the first collection leaves finalisers to run.
  globalThis.gc();
  await sleep(10);
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function unexpected({ appId }) {
  throw new Error(`${appId} was looked up, not remembered`);
}
