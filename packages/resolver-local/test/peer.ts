// Runs as a process: announces one instance until its standard input ends.
import { silentLogger } from "@outrigger/core";
import { resolverLocal } from "@outrigger/resolver-local";

const [folder = "", instance = "{}"] = process.argv.slice(2);
const resolver = resolverLocal({ folder })({
  appId: "peer",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});
const { signal } = new AbortController();
await resolver.start?.(signal);
await resolver.announce?.(JSON.parse(instance), signal);
process.stdout.write("announced\n");
process.stdin.resume();
process.stdin.once("end", () => void resolver.stop?.());
