import { ConsulServer, serversOrSkip } from "@outrigger/test-servers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Load } from "./load.ts";
import { Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

const servers = serversOrSkip("consul");

/** Who answered lately, and how often. */
type Seen = Map<string, number>;

describe.skipIf(servers === undefined)("through Consul", () => {
  let mesh: Mesh;
  let consul: ConsulServer;
  beforeEach(async () => {
    mesh = new Mesh();
    consul = await ConsulServer.start(servers?.consul ?? "");
  });
  afterEach(async () => {
    await mesh.close();
    await consul.remove();
  });

  function flags(name: string): readonly string[] {
    const config = mesh.writeConfig(
      `${name}-consul.yaml`,
      `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: consul
spec:
  nameResolution:
    component: consul
    configuration:
      client:
        address: ${consul.address}
      selfRegister: true
`,
    );
    return ["--config", config];
  }

  async function instance(name: string, seen: Seen): Promise<SidecarProcess> {
    const app = await mesh.app((_request, response) => {
      seen.set(name, (seen.get(name) ?? 0) + 1);
      response.end(name);
    });
    return mesh.sidecar("orders", { appPort: app.port, flags: flags(name) });
  }

  test("three instances restart one after the other under load, and no call fails", {
    timeout: 60_000,
  }, async () => {
    const seen: Seen = new Map();
    const names = ["one", "two", "three"];
    const running = await Promise.all(names.map((name) => instance(name, seen)));
    const caller = await mesh.sidecar("checkout", { flags: flags("checkout") });
    const load = new Load(caller.httpPort, "/v1.0/invoke/orders/method/x");
    await waitFor(async () => names.every((name) => seen.has(name)), "calls to all");

    for (const [index, old] of running.entries()) {
      expect(await old.end("SIGTERM")).toBe(0);
      const renewed = `${names[index]}-renewed`;
      await instance(renewed, seen);
      await waitFor(async () => seen.has(renewed), `calls to ${renewed}`);
    }

    const { calls, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(0);
  });

  test("calls go on while the agent is away, and the log says so", async () => {
    const seen: Seen = new Map();
    await instance("one", seen);
    const caller = await mesh.sidecar("checkout", { flags: flags("checkout") });
    const load = new Load(caller.httpPort, "/v1.0/invoke/orders/method/x");
    await waitFor(async () => (seen.get("one") ?? 0) > 10, "calls");

    await consul.stop();
    await waitFor(async () => caller.output().includes("last known"), "the log's word");
    const before = seen.get("one") ?? 0;
    await waitFor(async () => (seen.get("one") ?? 0) > before + 50, "calls without an agent");

    expect((await load.stop()).failures).toEqual([]);
  });
});
