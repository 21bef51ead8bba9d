// A resolver in a process of its own: commands on standard input, answers on standard output, one a line.
import { createInterface } from "node:readline";
import { testContext } from "@outrigger/conformance";
import { resolverMdns } from "@outrigger/resolver-mdns";

const signal = AbortSignal.timeout(120_000);
const namespace = "default";
const resolver = resolverMdns({
  interfaces: ["eth0"],
  lookupTimeoutMs: 400,
  instanceLifetimeMs: 3_000,
  refreshIntervalMs: 600,
  rescanIntervalMs: 200,
})(testContext());
await resolver.start?.(signal);
answer("started");

for await (const line of createInterface({ input: process.stdin })) {
  const [command, appId = "", host = "", port = ""] = line.split(" ");
  if (command === "announce") {
    const ports = { internalPort: Number(port), httpPort: 3_500, appPort: 0 };
    await resolver.announce?.({ appId, namespace, host, ...ports }, signal);
    answer("announced");
  }
  if (command === "resolve") await resolve(appId);
  if (command === "withdraw") {
    await resolver.withdraw?.();
    answer("withdrawn");
  }
}
await resolver.stop?.();

async function resolve(appId: string): Promise<void> {
  try {
    const endpoints = await resolver.resolve({ appId, namespace }, signal);
    answer(
      endpoints
        .map(({ host, port }) => `${host}:${port}`)
        .sort()
        .join(" "),
    );
  } catch (reason) {
    answer(reason instanceof Error && "code" in reason ? `${reason.code}` : `${reason}`);
  }
}

function answer(text: string): void {
  process.stdout.write(`${text}\n`);
}
