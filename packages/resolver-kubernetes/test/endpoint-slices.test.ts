import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import { joinHostPort, type Resolver } from "@outrigger/core";
import { type ResolverKubernetesOptions, resolverKubernetes } from "@outrigger/resolver-kubernetes";
import { requestToken, resignToken, serversOrSkip } from "@outrigger/test-servers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { collectionOf, TestCluster, type TestEndpoint } from "./cluster.ts";
import { CuttableLink } from "./cuttable-link.ts";
import { Dnsmasq, dnsmasqOrSkip } from "./dnsmasq.ts";
import { LogLines } from "./log-lines.ts";

const servers = serversOrSkip("etcd", "kube-apiserver");
const signal = AbortSignal.timeout(600_000);
const port = 50_002;
const soon = { timeout: 10_000, interval: 20 };

describe.skipIf(servers === undefined)("EndpointSlices of a real cluster", () => {
  let kubernetes: TestCluster;
  let link: CuttableLink;
  let options: ResolverKubernetesOptions;
  let log: LogLines;
  const running: Resolver[] = [];

  beforeAll(async () => {
    if (servers === undefined) return;
    kubernetes = await TestCluster.start(servers);
    link = await CuttableLink.open(Number(kubernetes.cluster.server.port));
    const account = await kubernetes.addAccount("default", ["default"]);
    options = { ...(await kubernetes.optionsOf(account)), apiServer: link.origin };
  }, 90_000);

  afterEach(async () => {
    for (const resolver of running.splice(0)) await resolver.stop?.();
  });

  afterAll(async () => {
    await link?.cut();
    await kubernetes?.stop();
  });

  async function start(changes: ResolverKubernetesOptions = {}): Promise<Resolver> {
    log = new LogLines();
    const create = resolverKubernetes({ ...options, maxBackoffMs: 500, ...changes });
    const resolver = create(testContext({ log }));
    running.push(resolver);
    await resolver.start?.(signal);
    return resolver;
  }

  /** Addresses of an app, or the message of the failure. */
  async function found(resolver: Resolver, appId: string): Promise<readonly string[] | string> {
    try {
      const endpoints = await resolver.resolve({ appId, namespace: "default" }, signal);
      return endpoints.map(({ host }) => host).sort();
    } catch (error) {
      return String(error);
    }
  }

  function add(appId: string, ...endpoints: readonly TestEndpoint[]): Promise<string> {
    return kubernetes.addSlice(appId, { port, endpoints });
  }

  test("only ready instances that do not shut down are returned", async () => {
    await add(
      "mixed",
      { address: "10.2.0.1" },
      { address: "10.2.0.2", ready: false },
      { address: "10.2.0.3", ready: false, terminating: true },
      // publishNotReadyAddresses makes everything ready, even what shuts down.
      { address: "10.2.0.4", ready: true, terminating: true },
    );
    const resolver = await start();
    expect(await found(resolver, "mixed")).toEqual(["10.2.0.1"]);
  });

  test("an instance that begins to shut down is left out at once", async () => {
    const path = await add("rolling", { address: "10.2.1.1" }, { address: "10.2.1.2" });
    const resolver = await start();
    expect(await found(resolver, "rolling")).toEqual(["10.2.1.1", "10.2.1.2"]);
    const endpoints = [
      { address: "10.2.1.1", ready: false, terminating: true },
      { address: "10.2.1.2" },
    ];
    await kubernetes.replaceSlice(path, "rolling", { port, endpoints });
    await expect.poll(() => found(resolver, "rolling"), soon).toEqual(["10.2.1.2"]);
  });

  test("a pod of a dual-stack Service and one in two slices count once", async () => {
    const endpoints = [{ address: "10.2.2.1", uid: "pod-1" }];
    const six = [{ address: "fd00::2:1", uid: "pod-1" }];
    await kubernetes.addSlice("dual", { port, addressType: "IPv6", endpoints: six });
    await kubernetes.addSlice("dual", { port, endpoints });
    await kubernetes.addSlice("dual", { port, endpoints });
    const resolver = await start();
    expect(await found(resolver, "dual")).toEqual(["10.2.2.1"]);
  });

  test("each slice has its own internal port", async () => {
    await kubernetes.addSlice("ports", { port: 50_002, endpoints: [{ address: "10.2.3.1" }] });
    await kubernetes.addSlice("ports", { port: 51_002, endpoints: [{ address: "10.2.3.2" }] });
    const resolver = await start();
    const endpoints = await resolver.resolve({ appId: "ports", namespace: "default" }, signal);
    const addresses = endpoints.map((one) => joinHostPort(one.host, one.port)).sort();
    expect(addresses).toEqual(["10.2.3.1:50002", "10.2.3.2:51002"]);
  });

  test("a slice without the port is told once and left out", async () => {
    await kubernetes.addSlice("portless", { endpoints: [{ address: "10.2.4.1" }] });
    const resolver = await start();
    expect(await found(resolver, "portless")).toMatch(
      /Service portless-dapr has no ready endpoint/,
    );
    const told = log.warnings().filter((line) => line.includes("no port dapr-internal"));
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told).size).toBe(told.length);
  });

  describe("zones", () => {
    const near = { address: "10.3.0.1", zone: "a", forZones: ["a"] };
    const far = { address: "10.3.0.2", zone: "b", forZones: ["b"] };

    test("endpoints hinted for the own zone are preferred", async () => {
      await add("hinted", near, far);
      const [inA, inB, inC, nowhere] = await Promise.all([
        start({ zone: "a" }),
        start({ zone: "b" }),
        start({ zone: "c" }),
        start(),
      ]);
      expect(await found(inA, "hinted")).toEqual(["10.3.0.1"]);
      expect(await found(inB, "hinted")).toEqual(["10.3.0.2"]);
      expect(await found(inC, "hinted")).toEqual(["10.3.0.1", "10.3.0.2"]);
      expect(await found(nowhere, "hinted")).toEqual(["10.3.0.1", "10.3.0.2"]);
      const request = { appId: "hinted", namespace: "default" };
      expect(await inA.resolve(request, signal)).toEqual([
        { host: "10.3.0.1", port, zone: "a", namespace: "default" },
      ]);
    });

    test("another zone serves while the own one cannot be reached", async () => {
      const resolver = await start({ zone: "a" });
      const request = { appId: "hinted", namespace: "default" };
      const [endpoint] = await resolver.resolve(request, signal);
      if (endpoint !== undefined) resolver.report?.(request, endpoint, "unreachable");
      expect(await found(resolver, "hinted")).toEqual(["10.3.0.2"]);
      if (endpoint !== undefined) resolver.report?.(request, endpoint, "reached");
      expect(await found(resolver, "hinted")).toEqual(["10.3.0.1"]);
    });

    test("hints that do not cover every endpoint are ignored", async () => {
      await add("partly", near, { address: "10.3.0.3", zone: "b" });
      const resolver = await start({ zone: "a" });
      expect(await found(resolver, "partly")).toEqual(["10.3.0.1", "10.3.0.3"]);
    });
  });

  test("a watch is told of every change", async () => {
    const resolver = await start();
    const seen: string[] = [];
    const end = resolver.watch?.({ appId: "watched", namespace: "default" }, (endpoints) => {
      seen.push(endpoints.map(({ host }) => host).join());
    });
    const path = await add("watched", { address: "10.4.0.1" });
    await expect.poll(() => seen.at(-1), soon).toBe("10.4.0.1");
    await kubernetes.remove(path);
    await expect.poll(() => seen.at(-1), soon).toBe("");
    end?.();
    await add("watched", { address: "10.4.0.2" });
    await expect.poll(() => found(resolver, "watched"), soon).toEqual(["10.4.0.2"]);
    expect(seen.at(-1)).toBe("");
  });

  // More than one page of the list.
  test("one connection serves any number of apps", async () => {
    const apps = Array.from({ length: 230 }, (_, index) => `many-${index}`);
    await Promise.all(apps.map((app, i) => add(app, { address: `10.5.0.${i + 1}` })));
    const resolver = await start();
    const answers = await Promise.all(apps.map((app) => found(resolver, app)));
    expect(answers).toEqual(apps.map((_, i) => [`10.5.0.${i + 1}`]));
    await expect.poll(() => link.connections, soon).toBe(1);
  });

  test("a listener that throws harms nobody", async () => {
    const resolver = await start();
    resolver.watch?.({ appId: "thrower", namespace: "default" }, () => {
      throw new Error("ouch");
    });
    await add("thrower", { address: "10.5.1.1" });
    await expect.poll(() => found(resolver, "thrower"), soon).toEqual(["10.5.1.1"]);
    await add("bystander", { address: "10.5.1.2" });
    await expect.poll(() => found(resolver, "bystander"), soon).toEqual(["10.5.1.2"]);
    expect(log.warnings().join()).toContain("ouch");
  });

  test("a kubeconfig serves processes outside the cluster", async () => {
    const account = await kubernetes.addAccount("default", ["default"]);
    const { serviceAccountFolder: folder = "" } = await kubernetes.optionsOf(account);
    const kubeconfig = join(folder, "kubeconfig");
    const token = await requestToken(kubernetes.admin, account);
    const cluster = { server: link.origin, "certificate-authority": join(folder, "ca.crt") };
    const config = {
      clusters: [{ name: "here", cluster }],
      users: [{ name: "me", user: { token } }],
      contexts: [{ name: "mine", context: { cluster: "here", user: "me" } }],
      "current-context": "mine",
    };
    // JSON is YAML.
    writeFileSync(kubeconfig, JSON.stringify(config));
    const resolver = await start({ kubeconfig, serviceAccountFolder: "/nowhere" });
    await add("outside", { address: "10.5.2.1" });
    await expect.poll(() => found(resolver, "outside"), soon).toEqual(["10.5.2.1"]);
  });

  test("calls go on while the API server is stopped, and changes are seen when it is back", async () => {
    await add("lasting", { address: "10.6.0.1" });
    const resolver = await start();
    await kubernetes.cluster.stopApiServer();
    try {
      await expect
        .poll(() => log.warnings().join(), soon)
        .toMatch(/using the last known endpoints/);
      for (let call = 0; call < 20; call++) {
        expect(await found(resolver, "lasting")).toEqual(["10.6.0.1"]);
      }
      const unknown = resolver.resolve({ appId: "never-seen", namespace: "default" }, signal);
      await expect(unknown).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED" });
    } finally {
      await kubernetes.cluster.startApiServer();
    }
    await add("lasting", { address: "10.6.0.2" });
    await expect.poll(() => found(resolver, "lasting"), soon).toEqual(["10.6.0.1", "10.6.0.2"]);
    const outage = log.warnings().filter((line) => line.includes("last known"));
    expect(outage).toHaveLength(1);
    expect(log.lines.at(-1)).toMatch(/^info the API server answers: /);
  }, 60_000);

  test("what was missed while the version of the watch became too old is made up for", async () => {
    const gone = await add("expired", { address: "10.7.0.1" });
    const resolver = await start();
    expect(await found(resolver, "expired")).toEqual(["10.7.0.1"]);
    const { metadata } = await kubernetes.admin.get(collectionOf());
    const version = (metadata as { resourceVersion: string }).resourceVersion;
    await link.cut();
    await kubernetes.remove(gone);
    await add("expired", { address: "10.7.0.2" });
    // An API server that starts knows no history.
    await kubernetes.cluster.stopApiServer();
    await kubernetes.cluster.startApiServer();
    const query = `watch=true&timeoutSeconds=1&resourceVersion=${version}`;
    const refusal = await kubernetes.admin.get(`${collectionOf()}?${query}`).catch(String);
    expect(JSON.stringify(refusal)).toContain("too old resource version");
    expect(await found(resolver, "expired")).toEqual(["10.7.0.1"]);
    await link.restore();
    await expect.poll(() => found(resolver, "expired"), soon).toEqual(["10.7.0.2"]);
  }, 60_000);

  describe("tokens", () => {
    test("one that was rotated is used for the next request", async () => {
      const account = await kubernetes.addAccount("default", ["default"]);
      const token = await requestToken(kubernetes.admin, account);
      // The API server takes tokens for up to a minute after their time.
      const exp = Math.floor(Date.now() / 1_000) - 57;
      const short = resignToken(token, kubernetes.cluster.signingKey, { exp });
      const serviceAccountFolder = await kubernetes.mount(account);
      const file = join(serviceAccountFolder, "token");
      writeFileSync(file, short);
      const resolver = await start({ serviceAccountFolder });
      await add("rotated", { address: "10.8.0.1" });
      await expect.poll(() => found(resolver, "rotated"), soon).toEqual(["10.8.0.1"]);
      const useOld = (): Promise<unknown> =>
        kubernetes.cluster
          .api(short)
          .get(collectionOf())
          .then(
            () => 200,
            (error) => error.status,
          );
      // The API server remembers a good token for 10 s.
      await expect.poll(useOld, { timeout: 20_000, interval: 200 }).toBe(401);
      writeFileSync(file, token);
      await link.cut();
      await link.restore();
      await add("rotated", { address: "10.8.0.2" });
      await expect.poll(() => found(resolver, "rotated"), soon).toEqual(["10.8.0.1", "10.8.0.2"]);
      expect(log.warnings().join()).not.toContain("Unauthorized");
    }, 40_000);

    test("one that is refused is an error until there is a better one", async () => {
      const account = await kubernetes.addAccount("default", ["default"]);
      const serviceAccountFolder = await kubernetes.mount(account);
      const file = join(serviceAccountFolder, "token");
      writeFileSync(file, "rubbish");
      const resolver = await start({ serviceAccountFolder });
      await add("refused", { address: "10.8.1.1" });
      expect(await found(resolver, "refused")).toMatch(
        /cannot read the EndpointSlices .*Unauthorized/,
      );
      writeFileSync(file, await requestToken(kubernetes.admin, account));
      await expect.poll(() => found(resolver, "refused"), soon).toEqual(["10.8.1.1"]);
    });
  });

  test("without the right the error says which one, and granting it is enough", async () => {
    const account = await kubernetes.addAccount("default", []);
    const { serviceAccountFolder = "" } = await kubernetes.optionsOf(account);
    const resolver = await start({ serviceAccountFolder });
    await add("granted", { address: "10.9.0.1" });
    const message = await found(resolver, "granted");
    expect(message).toMatch(/forbidden.*needs a Role with get, list and watch of endpointslices/);
    expect(log.warnings()).toHaveLength(1);
    await kubernetes.allow(account, "default");
    await expect.poll(() => found(resolver, "granted"), soon).toEqual(["10.9.0.1"]);
  });

  test("auto asks DNS while the API may not be read, says so, and watches as soon as it may", async () => {
    const binary = dnsmasqOrSkip();
    if (binary === undefined) return;
    const dns = new Dnsmasq(binary);
    try {
      await dns.serve({ "either-dapr.default.svc.cluster.local": ["10.9.2.1"] });
      await add("either", { address: "10.9.2.2" });
      const account = await kubernetes.addAccount("default", []);
      const { serviceAccountFolder = "" } = await kubernetes.optionsOf(account);
      const nameServers = [dns.address];
      const resolver = await start({ mode: "auto", serviceAccountFolder, nameServers });
      expect(await found(resolver, "either")).toEqual(["10.9.2.1"]);
      const told = log.warnings().filter((line) => line.includes("by the cluster's DNS"));
      expect(told).toHaveLength(1);
      expect(told.join()).toMatch(/forbidden/);
      await kubernetes.allow(account, "default");
      await expect.poll(() => found(resolver, "either"), soon).toEqual(["10.9.2.2"]);
      await expect.poll(() => log.lines.at(-1), soon).toMatch(/^info the API server answers: /);
    } finally {
      await dns.stop();
    }
  });

  test("auto watches where the API may be read", async () => {
    await add("readable", { address: "10.9.3.1" });
    const resolver = await start({ mode: "auto", nameServers: ["127.0.0.1:9"] });
    expect(await found(resolver, "readable")).toEqual(["10.9.3.1"]);
    expect(log.lines).toContain("info app ids are resolved by EndpointSlices of namespace default");
    expect(log.lines.join()).not.toContain("DNS");
  });

  test("a namespace that may not be read does not harm the others", async () => {
    await add("own", { address: "10.9.1.1" });
    const resolver = await start();
    const other = resolver.resolve({ appId: "own", namespace: "kube-system" }, signal);
    await expect(other).rejects.toThrow(/in namespace kube-system/);
    expect(await found(resolver, "own")).toEqual(["10.9.1.1"]);
  });
});
