import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { loadPair, withPair } from "./pair.mjs";
import { freePorts, start, stop, waitFor } from "./processes.mjs";

const handshakes = 50;

/** A pair whose certificates come from an authority of its own, under the small POST. */
export function measureMutualTls({ command, app, load, seconds }) {
  return withAuthority(async (both, sentry) => {
    return await withPair({ command, appPort: app.port, both }, async (pair) => {
      const { caller, callee } = pair;
      const certificateMs = callee.handle.startedAt + callee.readyMs - sentry.startedAt;
      const url = await invocable(caller);
      const result = await loadPair(pair, seconds, (duration) => load.run(url, duration));
      return {
        mtlsPerSecond: result.perSecond,
        mtlsCallerMicros: result.callerMicros,
        mtlsCalleeMicros: result.calleeMicros,
        mtlsP50Ms: result.p50Ms,
        mtlsP99Ms: result.p99Ms,
        mtlsErrors: result.errors,
        handshakeMs: await medianHandshake(callee.internalPort),
        certificateMs,
      };
    });
  });
}

/** Waits until the caller reaches the callee; returns the URL of the load. */
export async function invocable(caller) {
  await waitFor(caller.handle, caller.health, 204);
  const url = `http://127.0.0.1:${caller.httpPort}/v1.0/invoke/bench-callee/method/bench`;
  await waitFor(caller.handle, url, 200, { everyMs: 100 });
  return url;
}

/** Runs an authority for `use`, which gets what sidecars need to take part. */
export async function withAuthority(use) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  const ports = await freePorts(3);
  let sentry;
  try {
    // The first start makes the authority; the one that is measured finds it.
    sentry = await startAuthority(folder, ports);
    await waitFor(sentry, `http://127.0.0.1:${ports[1]}/healthz`, 200);
    await stop(sentry);
    sentry = await startAuthority(folder, ports);
    const both = {
      flags: { "enable-mtls": true, "sentry-address": `127.0.0.1:${ports[0]}` },
      env: { DAPR_TRUST_ANCHORS: readFileSync(join(folder, "ca.crt"), "utf8") },
    };
    return await use(both, sentry);
  } finally {
    if (sentry !== undefined) await stop(sentry);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startAuthority(folder, [port, healthz, metrics]) {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "config.yaml");
  writeFileSync(config, "");
  const program = join(import.meta.dirname, "../../apps/outrigger/bin/sentry.js");
  const flags = { "issuer-credentials": folder, config, "listen-address": "127.0.0.1", port };
  const others = { "healthz-port": healthz, "metrics-port": metrics, "trust-domain": "localhost" };
  const all = Object.entries({ ...flags, ...others }).map(([name, value]) => `--${name}=${value}`);
  return start([process.execPath, program, ...all]);
}

/** Up to the moment at which a client could send, one after the other, without a certificate. */
async function medianHandshake(port) {
  const times = [];
  for (let count = 0; count < handshakes; count += 1) times.push(await handshake(port));
  return times.sort((a, b) => a - b)[Math.floor(handshakes / 2)];
}

function handshake(port) {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      ALPNProtocols: ["h2"],
      rejectUnauthorized: false,
    });
    socket.once("secureConnect", () => {
      resolve(performance.now() - startedAt);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}
