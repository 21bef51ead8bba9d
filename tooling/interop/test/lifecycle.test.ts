import { once } from "node:events";
import { CommunicationProtocolEnum, DaprClient, LogLevel } from "@dapr/dapr";
import { Client, Metadata } from "@grpc/grpc-js";
import * as previousSdk from "dapr-sdk-3.6";
import { afterAll, describe, expect, inject, test, vi } from "vitest";
import { Mesh } from "../../../apps/outrigger/test/e2e/mesh.ts";
import { type EchoAnswer, unary } from "./echo-client.ts";
import { runPython } from "./processes.ts";
import { environmentOf, ports, startSidecar } from "./sidecars.ts";

const mesh = new Mesh();
afterAll(() => mesh.close());
const logger = { level: LogLevel.Error };
const daprHost = "127.0.0.1";

describe("a sidecar ends when an SDK asks for it", () => {
  test.for([
    ["HTTP", CommunicationProtocolEnum.HTTP],
    ["gRPC", CommunicationProtocolEnum.GRPC],
  ] as const)("JavaScript over %s", async ([name, communicationProtocol]) => {
    const own = await ports();
    const sidecar = await startSidecar(mesh, `to-stop-${name.toLowerCase()}`, own);
    const daprPort = `${name === "HTTP" ? own.http : own.grpc}`;
    const client = new DaprClient({ daprHost, daprPort, communicationProtocol, logger });
    const ended = once(sidecar.child, "close");
    await client.sidecar.shutdown();
    expect(await ended).toEqual([0, null]);
    expect(await client.health.isHealthy()).toBe(false);
    await client.stop();
  });

  test("Python", async () => {
    const own = await ports();
    const sidecar = await startSidecar(mesh, "to-stop-python", own);
    const ended = once(sidecar.child, "close");
    await runPython("sdk_calls.py", ["shutdown"], environmentOf(own));
    expect(await ended).toEqual([0, null]);
  });
});

test("an SDK's client that starts first waits for its sidecar", async () => {
  const own = await ports();
  const client = new DaprClient({ daprHost, daprPort: `${own.http}`, logger });
  const started = client.start();
  await startSidecar(mesh, "late", own);
  await started;
  expect(await client.metadata.get()).toMatchObject({ id: "late" });
  await client.stop();
});

// The last release on @grpc/grpc-js, and so the last one that makes proxies.
describe("the JavaScript SDK 3.6", () => {
  const { caller } = inject("interop");
  const client = new previousSdk.DaprClient({
    daprHost,
    daprPort: `${caller.grpc}`,
    communicationProtocol: previousSdk.CommunicationProtocolEnum.GRPC,
    logger: { level: previousSdk.LogLevel.Error },
  });
  afterAll(() => client.stop());

  test.for(["js-http", "js-grpc"])("invokes %s", async (appId) => {
    const { POST } = previousSdk.HttpMethod;
    const answer = await client.invoker.invoke(appId, "echo", POST, { n: 1 });
    expect(answer).toMatchObject({ verb: "POST", contentType: "application/json" });
  });

  test("reads and sets metadata", async () => {
    expect(await client.metadata.set("interop-3.6", "set")).toBe(true);
    expect(await client.metadata.get()).toMatchObject({
      id: "caller",
      extended: expect.anything(),
    });
  });

  test.for(["node-grpc", "py-grpc"])("makes a proxy of %s", async (appId) => {
    vi.stubEnv("APP_ID", appId); // where this SDK looks for the callee's id
    try {
      const proxy = await client.proxy.create(EchoProxy);
      const { value, headers } = await proxy.say("through a proxy");
      expect(value?.text).toBe("through a proxy");
      expect(headers?.get("x-app")).toEqual([appId]);
      proxy.close();
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

/** A stub of the user; the SDK adds the callee's id to each of its calls. */
class EchoProxy extends Client {
  say(text: string): Promise<EchoAnswer> {
    return unary(this, "Say", { text }, new Metadata());
  }
}
