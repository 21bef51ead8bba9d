import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { joinHostPort } from "@outrigger/core";
import { requestToken, serversOrSkip } from "@outrigger/test-servers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { port, Sidecars, signal, soon } from "./sidecars.ts";

const servers = serversOrSkip("etcd", "kube-apiserver");

describe.skipIf(servers === undefined)("EndpointSlices of a real cluster", () => {
  let sidecars: Sidecars;

  beforeAll(async () => {
    if (servers !== undefined) sidecars = await Sidecars.open(servers);
  }, 90_000);

  afterEach(() => sidecars?.stopAll());
  afterAll(() => sidecars?.close());

  test("only ready instances that do not shut down are returned", async () => {
    await sidecars.add(
      "mixed",
      { address: "10.2.0.1" },
      { address: "10.2.0.2", ready: false },
      { address: "10.2.0.3", ready: false, terminating: true },
      // publishNotReadyAddresses makes everything ready, even what shuts down.
      { address: "10.2.0.4", ready: true, terminating: true },
    );
    const resolver = await sidecars.start();
    expect(await sidecars.found(resolver, "mixed")).toEqual(["10.2.0.1"]);
  });

  test("an instance that begins to shut down is left out at once", async () => {
    const path = await sidecars.add("rolling", { address: "10.2.1.1" }, { address: "10.2.1.2" });
    const resolver = await sidecars.start();
    expect(await sidecars.found(resolver, "rolling")).toEqual(["10.2.1.1", "10.2.1.2"]);
    const endpoints = [
      { address: "10.2.1.1", ready: false, terminating: true },
      { address: "10.2.1.2" },
    ];
    await sidecars.kubernetes.replaceSlice(path, "rolling", { port, endpoints });
    await expect.poll(() => sidecars.found(resolver, "rolling"), soon).toEqual(["10.2.1.2"]);
  });

  test("a pod of a dual-stack Service and one in two slices count once", async () => {
    const endpoints = [{ address: "10.2.2.1", uid: "pod-1" }];
    const six = [{ address: "fd00::2:1", uid: "pod-1" }];
    await sidecars.kubernetes.addSlice("dual", { port, addressType: "IPv6", endpoints: six });
    await sidecars.kubernetes.addSlice("dual", { port, endpoints });
    await sidecars.kubernetes.addSlice("dual", { port, endpoints });
    const resolver = await sidecars.start();
    expect(await sidecars.found(resolver, "dual")).toEqual(["10.2.2.1"]);
  });

  test("each slice has its own internal port", async () => {
    await sidecars.kubernetes.addSlice("ports", {
      port: 50_002,
      endpoints: [{ address: "10.2.3.1" }],
    });
    await sidecars.kubernetes.addSlice("ports", {
      port: 51_002,
      endpoints: [{ address: "10.2.3.2" }],
    });
    const resolver = await sidecars.start();
    const endpoints = await resolver.resolve({ appId: "ports", namespace: "default" }, signal);
    const addresses = endpoints.map((one) => joinHostPort(one.host, one.port)).sort();
    expect(addresses).toEqual(["10.2.3.1:50002", "10.2.3.2:51002"]);
  });

  test("a slice without the port is told once and left out", async () => {
    await sidecars.kubernetes.addSlice("portless", { endpoints: [{ address: "10.2.4.1" }] });
    const resolver = await sidecars.start();
    expect(await sidecars.found(resolver, "portless")).toMatch(
      /Service portless-dapr has no ready endpoint/,
    );
    const told = sidecars.log.warnings().filter((line) => line.includes("no port dapr-internal"));
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told).size).toBe(told.length);
  });

  describe("zones", () => {
    const near = { address: "10.3.0.1", zone: "a", forZones: ["a"] };
    const far = { address: "10.3.0.2", zone: "b", forZones: ["b"] };

    test("endpoints hinted for the own zone are preferred", async () => {
      await sidecars.add("hinted", near, far);
      const [inA, inB, inC, nowhere] = await Promise.all([
        sidecars.start({ zone: "a" }),
        sidecars.start({ zone: "b" }),
        sidecars.start({ zone: "c" }),
        sidecars.start(),
      ]);
      expect(await sidecars.found(inA, "hinted")).toEqual(["10.3.0.1"]);
      expect(await sidecars.found(inB, "hinted")).toEqual(["10.3.0.2"]);
      expect(await sidecars.found(inC, "hinted")).toEqual(["10.3.0.1", "10.3.0.2"]);
      expect(await sidecars.found(nowhere, "hinted")).toEqual(["10.3.0.1", "10.3.0.2"]);
      const request = { appId: "hinted", namespace: "default" };
      expect(await inA.resolve(request, signal)).toEqual([
        { host: "10.3.0.1", port, zone: "a", namespace: "default" },
      ]);
    });

    test("another zone serves while the own one cannot be reached", async () => {
      const resolver = await sidecars.start({ zone: "a" });
      const request = { appId: "hinted", namespace: "default" };
      const [endpoint] = await resolver.resolve(request, signal);
      if (endpoint !== undefined) resolver.report?.(request, endpoint, "unreachable");
      expect(await sidecars.found(resolver, "hinted")).toEqual(["10.3.0.2"]);
      if (endpoint !== undefined) resolver.report?.(request, endpoint, "reached");
      expect(await sidecars.found(resolver, "hinted")).toEqual(["10.3.0.1"]);
    });

    test("hints that do not cover every endpoint are ignored", async () => {
      await sidecars.add("partly", near, { address: "10.3.0.3", zone: "b" });
      const resolver = await sidecars.start({ zone: "a" });
      expect(await sidecars.found(resolver, "partly")).toEqual(["10.3.0.1", "10.3.0.3"]);
    });
  });

  test("a watch is told of every change", async () => {
    const resolver = await sidecars.start();
    const seen: string[] = [];
    const end = resolver.watch?.({ appId: "watched", namespace: "default" }, (endpoints) => {
      seen.push(endpoints.map(({ host }) => host).join());
    });
    const path = await sidecars.add("watched", { address: "10.4.0.1" });
    await expect.poll(() => seen.at(-1), soon).toBe("10.4.0.1");
    await sidecars.kubernetes.remove(path);
    await expect.poll(() => seen.at(-1), soon).toBe("");
    end?.();
    await sidecars.add("watched", { address: "10.4.0.2" });
    await expect.poll(() => sidecars.found(resolver, "watched"), soon).toEqual(["10.4.0.2"]);
    expect(seen.at(-1)).toBe("");
  });

  // More than one page of the list.
  test("one connection serves any number of apps", async () => {
    const apps = Array.from({ length: 230 }, (_, index) => `many-${index}`);
    await Promise.all(apps.map((app, i) => sidecars.add(app, { address: `10.5.0.${i + 1}` })));
    const resolver = await sidecars.start();
    const answers = await Promise.all(apps.map((app) => sidecars.found(resolver, app)));
    expect(answers).toEqual(apps.map((_, i) => [`10.5.0.${i + 1}`]));
    await expect.poll(() => sidecars.link.connections, soon).toBe(1);
  });

  test("a listener that throws harms nobody", async () => {
    const resolver = await sidecars.start();
    resolver.watch?.({ appId: "thrower", namespace: "default" }, () => {
      throw new Error("ouch");
    });
    await sidecars.add("thrower", { address: "10.5.1.1" });
    await expect.poll(() => sidecars.found(resolver, "thrower"), soon).toEqual(["10.5.1.1"]);
    await sidecars.add("bystander", { address: "10.5.1.2" });
    await expect.poll(() => sidecars.found(resolver, "bystander"), soon).toEqual(["10.5.1.2"]);
    expect(sidecars.log.warnings().join()).toContain("ouch");
  });

  test("a kubeconfig serves processes outside the cluster", async () => {
    const account = await sidecars.kubernetes.addAccount("default", ["default"]);
    const { serviceAccountFolder: folder = "" } = await sidecars.kubernetes.optionsOf(account);
    const kubeconfig = join(folder, "kubeconfig");
    const token = await requestToken(sidecars.kubernetes.admin, account);
    const cluster = {
      server: sidecars.link.origin,
      "certificate-authority": join(folder, "ca.crt"),
    };
    const config = {
      clusters: [{ name: "here", cluster }],
      users: [{ name: "me", user: { token } }],
      contexts: [{ name: "mine", context: { cluster: "here", user: "me" } }],
      "current-context": "mine",
    };
    // JSON is YAML.
    writeFileSync(kubeconfig, JSON.stringify(config));
    const resolver = await sidecars.start({ kubeconfig, serviceAccountFolder: "/nowhere" });
    await sidecars.add("outside", { address: "10.5.2.1" });
    await expect.poll(() => sidecars.found(resolver, "outside"), soon).toEqual(["10.5.2.1"]);
  });
});
