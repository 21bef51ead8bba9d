import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { invocable, withAuthority } from "./mutual-tls.mjs";
import { loadPair, withPair } from "./pair.mjs";
import { residentMegabytes } from "./processes.mjs";

const rounds = 2;

/**
 * What metrics and traces of every tenth call cost: the small POST under mutual TLS, by turns with
 * neither and with both. Trace contexts are passed on in any case, as in Dapr. Spans go to a collector that reads and drops them. The call graph always
 * counts.
 */
export async function measureObserved({ command, app, load, seconds }) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  const collector = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(202).end());
  });
  try {
    await new Promise((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const configs = writeConfigs(folder, collector.address().port);
    return await withAuthority(async (both) => {
      const runs = { quiet: [], observed: [] };
      for (let round = 0; round < rounds; round += 1) {
        for (const [name, config] of Object.entries(configs)) {
          const flags = { ...both.flags, config, ...(await metricsFlags(name)) };
          const setup = { command, appPort: app.port, both: { ...both, flags } };
          runs[name].push(await withPair(setup, (pair) => measure(pair, load, seconds)));
        }
      }
      return summary(best(runs.quiet), best(runs.observed));
    });
  } finally {
    collector.closeAllConnections();
    collector.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(pair, load, seconds) {
  const url = await invocable(pair.caller);
  const result = await loadPair(pair, seconds, (duration) => load.run(url, duration));
  return { ...result, megabytes: residentMegabytes(pair.caller.handle.pid) };
}

/** Both sidecars get the same flags, so the port has to be free for each: 0 picks one. */
async function metricsFlags(name) {
  return name === "quiet"
    ? {}
    : { "enable-metrics": true, "metrics-port": 0, "metrics-listen-address": "127.0.0.1" };
}

function writeConfigs(folder, port) {
  const base = readFileSync(join(import.meta.dirname, "loopback.yaml"), "utf8");
  const specs = {
    quiet: "  metric: { enabled: false }\n",
    observed: `  tracing:\n    samplingRate: "0.1"\n    zipkin: { endpointAddress: "http://127.0.0.1:${port}/api/v2/spans" }\n`,
  };
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const file = join(folder, `${name}.yaml`);
      writeFileSync(file, base + spec);
      return [name, file];
    }),
  );
}

/** The run that was disturbed least. */
function best(runs) {
  return runs.reduce((least, run) => (total(run) < total(least) ? run : least));
}

function total({ callerMicros, calleeMicros }) {
  return callerMicros + calleeMicros;
}

function summary(quiet, observed) {
  return {
    observedPerSecond: observed.perSecond,
    observedCallerMicros: observed.callerMicros,
    observedCalleeMicros: observed.calleeMicros,
    observedP50Ms: observed.p50Ms,
    observedP99Ms: observed.p99Ms,
    observedErrors: observed.errors,
    quietMegabytes: quiet.megabytes,
    observedMegabytes: observed.megabytes,
    observedCostPercent: (total(observed) / total(quiet) - 1) * 100,
  };
}
