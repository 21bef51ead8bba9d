// A sidecar in a process of its own: registers `there`, prints where `here` is, and stays.
import { silentLogger } from "@outrigger/core";
import { resolverSqlite } from "@outrigger/resolver-sqlite";

const path = process.argv[2] ?? "";
const signal = AbortSignal.timeout(30_000);
const resolver = resolverSqlite({ path, updateIntervalMs: 2_000 })({
  appId: "there",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});
await resolver.start?.(signal);
await resolver.announce?.(
  {
    appId: "there",
    namespace: "default",
    host: "127.0.0.1",
    internalPort: 1_002,
    httpPort: 0,
    appPort: 0,
  },
  signal,
);
const here = await resolver.resolve({ appId: "here", namespace: "default" }, signal);
process.stdout.write(`${JSON.stringify(here)}\n`);
// The timers of a resolver keep no process alive.
setTimeout(() => undefined, 60_000);
