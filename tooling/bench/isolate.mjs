import { spawnSync } from "node:child_process";

const marker = "OUTRIGGER_BENCH_ISOLATED";
// The multicast route lets sidecars find one another by mDNS on loopback.
const script = `ip link set lo up && ip link set lo multicast on &&
ip route add 224.0.0.0/4 dev lo && exec "$@"`;

/**
 * Runs this program again in a network namespace that has only loopback, and ends when it ends.
 * Returns when it is in there already, or when the machine does not allow one.
 */
export function isolate() {
  if (process.env[marker] === "1") return;
  if (process.getuid?.() !== 0) return stay("not root");
  const probe = spawnSync("unshare", ["-n", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
  if (probe.status !== 0) return stay(probe.error?.message ?? probe.stderr.trim());
  const again = [process.execPath, ...process.argv.slice(1)];
  const run = spawnSync("unshare", ["-n", "sh", "-c", script, "sh", ...again], {
    stdio: "inherit",
    env: { ...process.env, [marker]: "1" },
  });
  process.exit(run.status ?? 1);
}

function stay(reason) {
  console.log(`no network namespace (${reason}): running on the loopback of this host`);
}
