import { fileURLToPath } from "node:url";
import { cpuMicros, freePorts, residentMegabytes, start, stop, waitFor } from "./processes.mjs";

const settleMs = 1_000;

/**
 * Starts a callee and a caller, measures them idle and under load, and stops them.
 * @param {{ command: string[], app: { port: number }, load: object, seconds: number }} setup
 */
export async function measurePair({ command, app, load, seconds }) {
  const callee = await startSidecar(command, "bench-callee", app.port);
  let caller;
  try {
    await waitFor(callee.handle, callee.health, 204);
    caller = await startSidecar(command, "bench-caller");
    const outboundMs = await waitFor(caller.handle, `${caller.health}/outbound`, 204);
    const readyMs = await waitFor(caller.handle, caller.health, 204);
    const url = `http://127.0.0.1:${caller.httpPort}/v1.0/invoke/bench-callee/method/bench`;
    const idleMegabytes = await idleMemory(caller.handle.pid);
    await waitFor(caller.handle, url, 200, { everyMs: 100 }); // the callee has been found
    await load.run(url, Math.max(1, Math.round(seconds / 2)));

    const before = [cpuMicros(caller.handle.pid), cpuMicros(callee.handle.pid)];
    const result = await load.run(url, seconds);
    const after = [cpuMicros(caller.handle.pid), cpuMicros(callee.handle.pid)];
    if (result.requests === 0) throw new Error(`no request succeeded\n${caller.handle.log}`);
    return {
      outboundMs,
      readyMs,
      idleMegabytes,
      callerMicros: (after[0] - before[0]) / result.requests,
      calleeMicros: (after[1] - before[1]) / result.requests,
      requestsPerSecond: result.perSecond,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      errors: result.errors,
    };
  } finally {
    await Promise.all([callee, caller].flatMap((one) => (one ? [stop(one.handle)] : [])));
  }
}

async function startSidecar(command, appId, appPort) {
  const [httpPort, grpcPort, internalPort] = await freePorts(3);
  const flags = {
    "app-id": appId,
    "dapr-http-port": httpPort,
    "dapr-grpc-port": grpcPort,
    "dapr-internal-grpc-port": internalPort,
    "dapr-listen-addresses": "127.0.0.1",
    "enable-metrics": false,
    "log-level": "error",
    config: fileURLToPath(new URL("loopback.yaml", import.meta.url)),
    ...(appPort === undefined ? {} : { "app-port": appPort }),
  };
  const parameters = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const handle = start([...command, ...parameters], {
    env: { DAPR_HOST_IP: "127.0.0.1", NAMESPACE: "default" },
  });
  return { handle, httpPort, health: `http://127.0.0.1:${httpPort}/v1.0/healthz` };
}

async function idleMemory(pid) {
  await new Promise((resume) => setTimeout(resume, settleMs));
  return residentMegabytes(pid);
}
