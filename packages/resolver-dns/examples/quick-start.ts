import { silentLogger } from "@outrigger/core";
import { resolverDns } from "@outrigger/resolver-dns";

// The hosts file and the name servers of this machine; `records: "address"` asks the latter only.
const createResolver = resolverDns({ name: "{appid}", port: 50_002, records: "system" });
const resolver = createResolver({
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});

const signal = AbortSignal.timeout(5_000);
console.log(await resolver.resolve({ appId: "localhost", namespace: "default" }, signal));
// [{ host: "127.0.0.1", port: 50002 }], and ::1 where the machine has it
await resolver.stop?.();
