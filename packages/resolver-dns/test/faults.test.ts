import { testContext } from "@outrigger/conformance";
import { resolverDns } from "@outrigger/resolver-dns";
import { afterEach, expect, test } from "vitest";
import { FaultyServer, servfail } from "./faulty-server.ts";

const signal = AbortSignal.timeout(60_000);
let server: FaultyServer | undefined;

afterEach(async () => server?.close());

async function failureWith(answer: number | "rubbish"): Promise<unknown> {
  server = await FaultyServer.start(answer);
  const options = { name: "{appid}.test", port: 1, lookupTimeoutMs: 400 };
  const resolver = resolverDns({ ...options, servers: [server.address] })(testContext());
  const begin = performance.now();
  try {
    return await resolver.resolve({ appId: "orders", namespace: "default" }, signal);
  } catch (reason) {
    return reason;
  } finally {
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(server.questions).toBeGreaterThan(0);
    await resolver.stop?.();
  }
}

test("a server that fails is an error, not an unknown app", async () => {
  expect(await failureWith(servfail)).toMatchObject({
    code: "OTR_RESOLVE_FAILED",
    message: "DNS look-up of orders.test failed: the server failed (SERVFAIL)",
  });
});

test("rubbish is an error in time", async () => {
  expect(await failureWith("rubbish")).toMatchObject({ code: "OTR_RESOLVE_FAILED" });
});
