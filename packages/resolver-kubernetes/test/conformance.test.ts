import { type ResolverSubject, resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import type { Instance, Resolver } from "@outrigger/core";
import { type ResolverKubernetesOptions, resolverKubernetes } from "@outrigger/resolver-kubernetes";
import { freePorts, serversOrSkip } from "@outrigger/test-servers";
import { afterAll, beforeAll, describe } from "vitest";
import { TestCluster } from "./cluster.ts";
import { toCluster, translated } from "./translated.ts";

const servers = serversOrSkip("etcd", "kube-apiserver");
const signal = AbortSignal.timeout(600_000);

describe.skipIf(servers === undefined)("a real cluster", () => {
  let kubernetes: TestCluster;
  let options: ResolverKubernetesOptions;
  let closedPort = 0;
  let shiftMs = 0;

  beforeAll(async () => {
    if (servers === undefined) return;
    kubernetes = await TestCluster.start(servers);
    [closedPort = 0] = await freePorts(1);
    await kubernetes.addNamespace("other");
    await kubernetes.addNamespace("third");
    const account = await kubernetes.addAccount("default", ["default", "other", "third"]);
    options = await kubernetes.optionsOf(account);
    for (const instance of resolverFixture) await add(instance);
  }, 90_000);

  afterAll(() => kubernetes?.stop());

  function add({ appId, namespace, host, internalPort: port }: Instance): Promise<string> {
    const address = toCluster(host);
    const addressType = address.includes(":") ? "IPv6" : "IPv4";
    return kubernetes.addSlice(appId, { namespace, port, addressType, endpoints: [{ address }] });
  }

  function create(changes: ResolverKubernetesOptions = {}): Resolver {
    const all = { ...options, retryAfterMs: 300, ...changes };
    return translated(resolverKubernetes(all)(testContext({ now: () => Date.now() + shiftMs })));
  }

  resolverConformance({
    name: "@outrigger/resolver-kubernetes (EndpointSlices)",
    setup: async () => {
      const resolver = create();
      await resolver.start?.(signal);
      const added: string[] = [];
      const paths = new Map<string, string>();
      const keyOf = ({ appId, internalPort }: Instance): string => `${appId}:${internalPort}`;
      const remove = async (instance: Instance): Promise<void> => {
        const path = paths.get(keyOf(instance));
        if (path !== undefined) await kubernetes.remove(path);
        paths.delete(keyOf(instance));
      };
      const subject: ResolverSubject = {
        resolver,
        create,
        peers: {
          async add(instance) {
            paths.set(keyOf(instance), await add(instance));
          },
          remove,
          crash: remove,
          async addMalformed(appId) {
            added.push(await kubernetes.addSlice(appId, { endpoints: [{ address: "10.9.9.9" }] }));
            const other = { port: 50_002, portName: "http", endpoints: [{ address: "10.9.9.8" }] };
            added.push(await kubernetes.addSlice(appId, other));
          },
        },
        // Objects outlive the API server, so this one comes back with everything it had.
        backend: {
          interrupt: () => kubernetes.cluster.stopApiServer(),
          restore: () => kubernetes.cluster.startApiServer(),
        },
        jumpClock: (byMs) => {
          shiftMs += byMs;
        },
        createUnreachable: () => create({ apiServer: `https://127.0.0.1:${closedPort}` }),
        malformedConfigurations: [
          () => resolverKubernetes({ port: 0 }),
          () => resolverKubernetes({ template: "{{.Id}}:1" }),
          () => resolverKubernetes({ nameServers: ["dns.example"] }),
          () => resolverKubernetes({ apiServer: "http://127.0.0.1" }),
          () => resolverKubernetes({ maxCacheMs: 60_000 }),
        ],
        // EndpointSlices of pods carry addresses only.
        unsupportedHosts: ["name"],
      };
      const teardown = async (): Promise<void> => {
        await resolver.stop?.();
        for (const path of [...added, ...paths.values()]) await kubernetes.remove(path);
      };
      return { subject, teardown };
    },
  });
});
