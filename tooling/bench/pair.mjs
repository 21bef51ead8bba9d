import { fileURLToPath } from "node:url";
import { cpuMicros, freePorts, start, stop, waitFor } from "./processes.mjs";

/**
 * Starts a callee and a caller, hands them to `use`, and stops them.
 * @param {{ command: string[], appPort: number, flags?: Record<string, string>,
 *   both?: { flags: Record<string, string | boolean>, env: Record<string, string> } }} setup
 *   flags are those of the callee.
 */
export async function withPair({ command, appPort, flags = {}, both = unsecured }, use) {
  const own = { "app-port": appPort, ...flags };
  const callee = await startSidecar(command, "bench-callee", own, both);
  let caller;
  try {
    callee.readyMs = await waitFor(callee.handle, callee.health, 204);
    caller = await startSidecar(command, "bench-caller", {}, both);
    return await use({ caller, callee });
  } finally {
    await Promise.all([callee, caller].flatMap((one) => (one ? [stop(one.handle)] : [])));
  }
}

/** Runs a load on a pair that is warm. Returns its result and what it took of the sidecars. */
export async function loadPair({ caller, callee }, seconds, run) {
  await run(Math.max(1, Math.round(seconds / 2)));
  const pids = [caller.handle.pid, callee.handle.pid];
  const before = pids.map(cpuMicros);
  const result = await run(seconds);
  const after = pids.map(cpuMicros);
  if (result.requests === 0) throw new Error(`no request succeeded\n${caller.handle.log}`);
  const [callerMicros, calleeMicros] = after.map((cpu, i) => (cpu - before[i]) / result.requests);
  return { ...result, callerMicros, calleeMicros };
}

const unsecured = { flags: {}, env: {} };

async function startSidecar(command, appId, extra, both) {
  const [httpPort, grpcPort, internalPort] = await freePorts(3);
  const flags = {
    "app-id": appId,
    "dapr-http-port": httpPort,
    "dapr-grpc-port": grpcPort,
    "dapr-internal-grpc-port": internalPort,
    "dapr-listen-addresses": "127.0.0.1",
    "enable-metrics": false,
    "log-level": "error",
    "max-body-size": "200Mi",
    config: fileURLToPath(new URL("loopback.yaml", import.meta.url)),
    ...extra,
    ...both.flags,
  };
  const parameters = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const handle = start([...command, ...parameters], {
    env: { DAPR_HOST_IP: "127.0.0.1", NAMESPACE: "default", ...both.env },
  });
  return {
    handle,
    httpPort,
    grpcPort,
    internalPort,
    health: `http://127.0.0.1:${httpPort}/v1.0/healthz`,
  };
}
