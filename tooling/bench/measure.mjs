import { loadPair, withPair } from "./pair.mjs";
import { residentMegabytes, waitFor } from "./processes.mjs";

const settleMs = 1_000;

/**
 * Starts a callee and a caller, measures them idle and under load, and stops them.
 * @param {{ command: string[], app: { port: number }, load: object, seconds: number }} setup
 */
export function measurePair({ command, app, load, seconds }) {
  return withPair({ command, appPort: app.port }, async (pair) => {
    const { caller } = pair;
    const outboundMs = await waitFor(caller.handle, `${caller.health}/outbound`, 204);
    const readyMs = await waitFor(caller.handle, caller.health, 204);
    const url = `http://127.0.0.1:${caller.httpPort}/v1.0/invoke/bench-callee/method/bench`;
    const idleMegabytes = await idleMemory(caller.handle.pid);
    await waitFor(caller.handle, url, 200, { everyMs: 100 }); // the callee has been found
    const result = await loadPair(pair, seconds, (duration) => load.run(url, duration));
    return {
      outboundMs,
      readyMs,
      idleMegabytes,
      callerMicros: result.callerMicros,
      calleeMicros: result.calleeMicros,
      requestsPerSecond: result.perSecond,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      errors: result.errors,
    };
  });
}

async function idleMemory(pid) {
  await new Promise((resume) => setTimeout(resume, settleMs));
  return residentMegabytes(pid);
}
