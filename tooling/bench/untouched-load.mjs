// Calls that no policy and no middleware touches, in one process and without a network: what their
// mere existence costs. Prints one line of JSON. Needs Node.js that erases types, and
// --conditions=@outrigger/source.
import {
  appFunction,
  createRuntime,
  emptyBody,
  LiveHttpPipeline,
} from "../../packages/core/src/index.ts";
import { userPipeline } from "../../packages/ingress-http/src/user-pipeline.ts";
import { resiliency } from "../../packages/resiliency/src/index.ts";
import { resolverStatic } from "../../packages/resolver-static/src/index.ts";
import { memoryNetwork, transportMemory } from "../../packages/transport-memory/src/index.ts";

const calls = Number(process.argv[2] ?? 400_000);
/** Short turns, so that whatever else the machine does hits all contenders alike. */
const turns = 400;
const silent = { log: () => undefined, enabled: () => false, scope: () => silent };
const answer = {
  status: { code: 200, message: "", details: [] },
  ...{ headers: [], trailers: [], contentType: "", typeUrl: "", body: emptyBody },
};
const policies = {
  timeouts: { t: 1_000 },
  retries: { r: { maxRetries: 3 } },
  circuitBreakers: { cb: {} },
  hedges: { h: { delayMs: 50 } },
  apps: { another: { timeout: "t", retry: "r", circuitBreaker: "cb", hedge: "h" } },
};

const contenders = {
  untouchedBareNanos: await start({}),
  // The same again: what differs from the first is the noise of the machine.
  untouchedAgainNanos: await start({}),
  untouchedPolicyNanos: await start({ resiliency: resiliency(policies) }),
  untouchedPipelineNanos: await start({}, new LiveHttpPipeline(silent)),
};
const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
const perTurn = Math.ceil(calls / turns);
for (const run of Object.values(contenders)) await run(perTurn);
for (let turn = 0; turn < turns; turn++) {
  for (const [name, run] of inTurn(Object.entries(contenders), turn)) {
    const startedAt = process.hrtime.bigint();
    await run(perTurn);
    times[name].push(Number(process.hrtime.bigint() - startedAt) / perTurn);
  }
}
const numbers = Object.entries(times).map(([name, values]) => [name, lowerQuartile(values)]);
console.log(JSON.stringify(Object.fromEntries(numbers)));
process.exit(0);

/** A caller and a callee; returns what makes a number of calls, one after the other. */
async function start(options, pipeline) {
  const network = memoryNetwork();
  const deliver = async () => answer;
  const app = pipeline === undefined ? deliver : through(pipeline, deliver);
  const callee = await createRuntime({
    appId: "orders",
    transport: transportMemory({ network }),
    appChannel: appFunction(app),
  });
  let invoke;
  await createRuntime({
    appId: "checkout",
    transport: transportMemory({ network }),
    resolver: resolverStatic({ apps: { orders: [`127.0.0.1:${callee.internalAddress.port}`] } }),
    ingresses: [
      (_context, sidecar) => {
        invoke = sidecar.invoke;
        return { name: "ingress-bench", addresses: () => [], drain: async () => undefined };
      },
    ],
    ...options,
  });
  const call = pipeline === undefined ? invoke : userPipeline(pipeline)(invoke);
  return async (count) => {
    for (let index = 0; index < count; index++) await call(request());
  };
}

/** As the app channel does it. */
function through(pipeline, deliver) {
  return (call) => (pipeline.isEmpty ? deliver(call) : pipeline.run(call, deliver));
}

function request() {
  return {
    ...{ target: "orders", method: "bench", http: { verb: "POST", query: "" }, origin: "http" },
    ...{ metadata: ["Content-Type", "text/plain", "Accept", "*/*"], contentType: "text/plain" },
    ...{ typeUrl: "", body: emptyBody, bodyLength: 0, signal: new AbortController().signal },
  };
}

/** Nobody is always first. */
function inTurn(entries, turn) {
  const first = turn % entries.length;
  return [...entries.slice(first), ...entries.slice(0, first)];
}

/** Turns in which the machine did something else only make it slower. */
function lowerQuartile(values) {
  return values.sort((left, right) => left - right)[Math.floor(values.length / 4)];
}
