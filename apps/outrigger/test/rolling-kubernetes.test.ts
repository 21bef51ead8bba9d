import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import {
  appFunction,
  type ComponentFactory,
  createRuntime,
  type Endpoint,
  emptyBody,
  type Resolver,
  type Runtime,
  readBody,
} from "@outrigger/core";
import { resolverKubernetes } from "@outrigger/resolver-kubernetes";
import {
  type ClusterBinaries,
  type KubernetesApi,
  KubernetesCluster,
  serversOrSkip,
} from "@outrigger/test-servers";
import { transportGrpc } from "@outrigger/transport-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "./e2e/mesh.ts";

const servers = serversOrSkip("etcd", "kube-apiserver");
const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/** The API server takes no loopback address, which is where everybody is. */
const podAddress = "10.1.0.1";

function onLoopback(create: ComponentFactory<Resolver>): ComponentFactory<Resolver> {
  return (context) => {
    const resolver = create(context);
    return {
      name: resolver.name,
      features: resolver.features,
      start: async (signal) => resolver.start?.(signal),
      stop: async () => resolver.stop?.(),
      async resolve(request, signal) {
        const endpoints = await resolver.resolve(request, signal);
        return endpoints.map((one): Endpoint => ({ ...one, host: "127.0.0.1" }));
      },
      report: (request, endpoint, outcome) =>
        resolver.report?.(request, { ...endpoint, host: podAddress }, outcome),
    };
  };
}

function sliceOf(name: string, port: number, terminating: boolean) {
  const conditions = { ready: !terminating, serving: true, terminating };
  return {
    metadata: { name, labels: { "kubernetes.io/service-name": "orders-dapr" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [podAddress], conditions }],
    ports: [{ name: "dapr-internal", protocol: "TCP", port }],
  };
}

describe.skipIf(servers === undefined)("in Kubernetes", () => {
  let cluster: KubernetesCluster;
  let admin: KubernetesApi;
  let folder: string;
  beforeAll(async () => {
    cluster = await KubernetesCluster.start(servers as ClusterBinaries);
    admin = cluster.api();
    folder = mkdtempSync(join(tmpdir(), "outrigger-account-"));
    writeFileSync(join(folder, "ca.crt"), cluster.ca);
    // Rights have tests of their own, with the resolver.
    writeFileSync(join(folder, "token"), "admin");
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  function caller(): Promise<Runtime> {
    const resolver = resolverKubernetes({
      mode: "endpointSlices",
      apiServer: cluster.server.origin,
      serviceAccountFolder: folder,
    });
    const { log } = testContext();
    return createRuntime({
      appId: "checkout",
      log,
      transport: transportGrpc({ host: "127.0.0.1", port: 0 }),
      resolver: onLoopback(resolver),
    });
  }

  async function pod(name: string): Promise<Runtime> {
    const status = { code: 200, message: "", details: [] };
    const runtime = await createRuntime({
      appId: "orders",
      transport: transportGrpc({ host: "127.0.0.1", port: 0 }),
      appChannel: appFunction(async () => ({
        status,
        headers: [],
        trailers: [],
        contentType: "text/plain",
        typeUrl: "",
        body: Buffer.from(name),
      })),
    });
    await admin.create(slices, sliceOf(name, runtime.internalAddress.port, false));
    return runtime;
  }

  /** What kubelet and the controllers do to a pod that is to go. */
  async function terminate(name: string, runtime: Runtime): Promise<void> {
    await admin.replace(`${slices}/${name}`, sliceOf(name, runtime.internalAddress.port, true));
    await runtime.stop();
    await admin.delete(`${slices}/${name}`);
  }

  test("three instances restart one after the other under load, and no call fails", {
    timeout: 60_000,
  }, async () => {
    const names = ["one", "two", "three"];
    const running = await Promise.all(names.map(pod));
    const checkout = await caller();
    const seen = new Set<string>();
    const failures: unknown[] = [];
    let loading = true;
    const lane = async (): Promise<void> => {
      while (loading) {
        try {
          const { body } = await checkout.invoke({
            target: "orders",
            method: "m",
            body: emptyBody,
          });
          seen.add(Buffer.from(await readBody(body, 100)).toString());
        } catch (reason) {
          failures.push(reason);
        }
      }
    };
    const lanes = [lane(), lane(), lane(), lane()];
    await waitFor(async () => names.every((name) => seen.has(name)), "calls to all");

    const renewed: Runtime[] = [];
    for (const [index, old] of running.entries()) {
      const name = names[index] as string;
      renewed.push(await pod(`${name}-renewed`));
      await terminate(name, old);
      await waitFor(async () => seen.has(`${name}-renewed`), `calls to the new ${name}`);
    }
    loading = false;
    await Promise.all(lanes);
    await Promise.all([checkout, ...renewed].map((runtime) => runtime.stop()));

    expect(failures).toEqual([]);
  });
});
