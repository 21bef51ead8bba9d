// Runs the tests with Dapr's own sidecars and Sentry, in a network that has only loopback.
//   node tooling/dapr-peers/run.mjs [vitest's options]
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const workspace = join(import.meta.dirname, "../..");
const vitest = join(workspace, "node_modules/vitest/vitest.mjs");
// Dapr announces sidecars by multicast on every interface: others on the network must not hear it.
// It does so only where there is an address that is not of loopback (192.0.2.0/24 is for examples).
const script = `ip link set lo up && ip link set lo multicast on && ip addr add 192.0.2.1/32 dev lo &&
ip route add 224.0.0.0/4 dev lo && exec "$@"`;
const limitMs = 240_000;

const probe = spawnSync("unshare", ["-n", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
if (probe.status !== 0) {
  const reason = probe.error?.message ?? probe.stderr.trim();
  console.log(`DAPR PEERS NOT RUN: no network namespace (${reason})`);
  process.exit(process.env.CI === "true" ? 1 : 0);
}
run(process.execPath, [join(workspace, "tooling/build.mjs")]);
const command = [process.execPath, vitest, "run", "--root", import.meta.dirname];
run("unshare", ["-n", "sh", "-c", script, "sh", ...command, ...process.argv.slice(2)]);

function run(program, parameters) {
  const { status, signal } = spawnSync(program, parameters, { stdio: "inherit", timeout: limitMs });
  if (status === 0) return;
  if (signal !== null) console.error(`${program} ended by ${signal}`);
  process.exit(status ?? 1);
}
