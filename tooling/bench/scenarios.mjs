import { join } from "node:path";
import { eventDelays, pull, push } from "./bulk-client.mjs";
import { runBulk, runGrpc } from "./load.mjs";
import { measureMutualTls } from "./mutual-tls.mjs";
import { measureObserved } from "./observed.mjs";
import { loadPair, withPair } from "./pair.mjs";
import {
  freePorts,
  peakMegabytes,
  resetPeak,
  residentMegabytes,
  start,
  stop,
  waitFor,
} from "./processes.mjs";
import { measureResolve } from "./resolve.mjs";
import { measureUntouched } from "./untouched.mjs";

const bulkBytes = 100 * 1_024 * 1_024;
const warmUpBytes = 2 * 1_024 * 1_024;
const largeBytes = 1_024 * 1_024;
const largeConnections = 8;
const eventCount = 400;

/** Scenarios inside this process: no other command has them. */
export const ownScenarios = new Set(["resolve", "untouched"]);

/** Scenarios beside the small POST, by name. Each returns numbers for rows of the table. */
export const scenarios = {
  /** Bodies of 1 MB that the app sends back. */
  large: ({ command, seconds }) =>
    withApp("bulk-app.mjs", { command }, async (pair, url) => {
      const pids = [pair.caller.handle.pid, pair.callee.handle.pid];
      const run = (duration) => runBulk(`${url}/echo`, duration, largeConnections, largeBytes);
      const result = await loadPair(pair, seconds, run);
      const [largeCallerMegabytes, largeCalleeMegabytes] = pids.map(peakMegabytes);
      return {
        ...named("large", result),
        largeMegabytesPerSecond: result.perSecond,
        largeCallerMegabytes,
        largeCalleeMegabytes,
      };
    }),
  /** Unary calls of the gRPC API to the HTTP app. */
  invoke: ({ command, app, seconds, connections }) =>
    withPair({ command, appPort: app.port }, async (pair) => {
      const { caller } = pair;
      const method = `http://127.0.0.1:${caller.httpPort}/v1.0/invoke/bench-callee/method/bench`;
      await waitFor(caller.handle, method, 200, { everyMs: 100 });
      const run = (duration) => runGrpc(caller.grpcPort, "invoke", duration, connections);
      return named("invoke", await loadPair(pair, seconds, run));
    }),
  /** Unary calls of a service of the app's own. */
  proxy: ({ command, seconds, connections }) =>
    withApp("grpc-app.mjs", { command, flags: { "app-protocol": "grpc" } }, async (pair) => {
      const run = (duration) => runGrpc(pair.caller.grpcPort, "proxy", duration, connections);
      return named("proxy", await loadPair(pair, seconds, run));
    }),
  /** The small POST between sidecars with certificates. */
  mtls: measureMutualTls,
  /** The same with metrics, and with traces of every tenth call. */
  observed: measureObserved,
  /** What 100 MB on their way add to each sidecar's memory. */
  memory: async ({ command }) => {
    const up = await growth(command, (url, bytes) => push(`${url}/sink`, bytes));
    const down = await growth(command, (url, bytes) => pull(`${url}/source?bytes=${bytes}`));
    return {
      ...{ upCallerMegabytes: up[0], upCalleeMegabytes: up[1] },
      ...{ downCallerMegabytes: down[0], downCalleeMegabytes: down[1] },
    };
  },
  /** Endpoints of 1,000 apps with 10,000 endpoints, from memory. */
  resolve: () => measureResolve(),
  /** Calls that no policy and no middleware touches, in one process. */
  untouched: () => measureUntouched(),
  /** From the app's write of an event to the client's first byte of it. */
  events: ({ command }) =>
    withApp("bulk-app.mjs", { command }, async (_pair, url) => {
      const delays = await eventDelays(`${url}/events?count=${eventCount}`);
      return { eventP50Ms: delays[Math.floor(delays.length / 2)], eventMaxMs: delays.at(-1) };
    }),
};

function named(prefix, { perSecond, callerMicros, calleeMicros, p50Ms, p99Ms, errors }) {
  const numbers = { PerSecond: perSecond, CallerMicros: callerMicros, CalleeMicros: calleeMicros };
  const all = Object.entries({ ...numbers, P50Ms: p50Ms, P99Ms: p99Ms, Errors: errors });
  return Object.fromEntries(all.map(([name, value]) => [`${prefix}${name}`, value]));
}

async function growth(command, run) {
  return withApp("bulk-app.mjs", { command }, async ({ caller, callee }, url) => {
    const pids = [caller.handle.pid, callee.handle.pid];
    await run(url, warmUpBytes);
    pids.forEach(resetPeak);
    const before = pids.map(residentMegabytes);
    await run(url, bulkBytes);
    return pids.map((pid, index) => peakMegabytes(pid) - before[index]);
  });
}

/** A pair with an app of its own; `use` gets the pair and the URL of the app through it. */
async function withApp(script, { command, flags }, use) {
  const [port] = await freePorts(1);
  const app = start([process.execPath, join(import.meta.dirname, script), String(port)]);
  try {
    return await withPair({ command, appPort: port, flags }, async (pair) => {
      const { caller } = pair;
      const url = `http://127.0.0.1:${caller.httpPort}/v1.0/invoke/bench-callee/method`;
      await waitFor(caller.handle, caller.health, 204);
      if (flags === undefined) await waitFor(caller.handle, `${url}/`, 200, { everyMs: 100 });
      return use(pair, url);
    });
  } finally {
    await stop(app);
  }
}
