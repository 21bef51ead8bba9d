import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { requestToken, resignToken, serversOrSkip } from "@outrigger/test-servers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { collectionOf } from "./cluster.ts";
import { Dnsmasq, dnsmasqOrSkip } from "./dnsmasq.ts";
import { Sidecars, signal, soon } from "./sidecars.ts";

const servers = serversOrSkip("etcd", "kube-apiserver");

describe.skipIf(servers === undefined)("a real cluster that is away or refuses", () => {
  let sidecars: Sidecars;

  beforeAll(async () => {
    if (servers !== undefined) sidecars = await Sidecars.open(servers);
  }, 90_000);

  afterEach(() => sidecars?.stopAll());
  afterAll(() => sidecars?.close());

  test("calls go on while the API server is stopped, and changes are seen when it is back", async () => {
    await sidecars.add("lasting", { address: "10.6.0.1" });
    const resolver = await sidecars.start();
    await sidecars.kubernetes.cluster.stopApiServer();
    try {
      await expect
        .poll(() => sidecars.log.warnings().join(), soon)
        .toMatch(/using the last known endpoints/);
      for (let call = 0; call < 20; call++) {
        expect(await sidecars.found(resolver, "lasting")).toEqual(["10.6.0.1"]);
      }
      const unknown = resolver.resolve({ appId: "never-seen", namespace: "default" }, signal);
      await expect(unknown).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED" });
    } finally {
      await sidecars.kubernetes.cluster.startApiServer();
    }
    await sidecars.add("lasting", { address: "10.6.0.2" });
    await expect
      .poll(() => sidecars.found(resolver, "lasting"), soon)
      .toEqual(["10.6.0.1", "10.6.0.2"]);
    const outage = sidecars.log.warnings().filter((line) => line.includes("last known"));
    expect(outage).toHaveLength(1);
    expect(sidecars.log.lines.at(-1)).toMatch(/^info the API server answers: /);
  }, 60_000);

  test("what was missed while the version of the watch became too old is made up for", async () => {
    const gone = await sidecars.add("expired", { address: "10.7.0.1" });
    const resolver = await sidecars.start();
    expect(await sidecars.found(resolver, "expired")).toEqual(["10.7.0.1"]);
    const { metadata } = await sidecars.kubernetes.admin.get(collectionOf());
    const version = (metadata as { resourceVersion: string }).resourceVersion;
    await sidecars.link.cut();
    await sidecars.kubernetes.remove(gone);
    await sidecars.add("expired", { address: "10.7.0.2" });
    // An API server that starts knows no history.
    await sidecars.kubernetes.cluster.stopApiServer();
    await sidecars.kubernetes.cluster.startApiServer();
    const query = `watch=true&timeoutSeconds=1&resourceVersion=${version}`;
    const refusal = await sidecars.kubernetes.admin.get(`${collectionOf()}?${query}`).catch(String);
    expect(JSON.stringify(refusal)).toContain("too old resource version");
    expect(await sidecars.found(resolver, "expired")).toEqual(["10.7.0.1"]);
    await sidecars.link.restore();
    await expect.poll(() => sidecars.found(resolver, "expired"), soon).toEqual(["10.7.0.2"]);
  }, 60_000);

  describe("tokens", () => {
    test("one that was rotated is used for the next request", async () => {
      const account = await sidecars.kubernetes.addAccount("default", ["default"]);
      const token = await requestToken(sidecars.kubernetes.admin, account);
      // The API server takes tokens for up to a minute after their time.
      const exp = Math.floor(Date.now() / 1_000) - 57;
      const short = resignToken(token, sidecars.kubernetes.cluster.signingKey, { exp });
      const serviceAccountFolder = await sidecars.kubernetes.mount(account);
      const file = join(serviceAccountFolder, "token");
      writeFileSync(file, short);
      const resolver = await sidecars.start({ serviceAccountFolder });
      await sidecars.add("rotated", { address: "10.8.0.1" });
      await expect.poll(() => sidecars.found(resolver, "rotated"), soon).toEqual(["10.8.0.1"]);
      const useOld = (): Promise<unknown> =>
        sidecars.kubernetes.cluster
          .api(short)
          .get(collectionOf())
          .then(
            () => 200,
            (error) => error.status,
          );
      // The API server remembers a good token for 10 s.
      await expect.poll(useOld, { timeout: 20_000, interval: 200 }).toBe(401);
      writeFileSync(file, token);
      await sidecars.link.cut();
      await sidecars.link.restore();
      await sidecars.add("rotated", { address: "10.8.0.2" });
      await expect
        .poll(() => sidecars.found(resolver, "rotated"), soon)
        .toEqual(["10.8.0.1", "10.8.0.2"]);
      expect(sidecars.log.warnings().join()).not.toContain("Unauthorized");
    }, 40_000);

    test("one that is refused is an error until there is a better one", async () => {
      const account = await sidecars.kubernetes.addAccount("default", ["default"]);
      const serviceAccountFolder = await sidecars.kubernetes.mount(account);
      const file = join(serviceAccountFolder, "token");
      writeFileSync(file, "rubbish");
      const resolver = await sidecars.start({ serviceAccountFolder });
      await sidecars.add("refused", { address: "10.8.1.1" });
      expect(await sidecars.found(resolver, "refused")).toMatch(
        /cannot read the EndpointSlices .*Unauthorized/,
      );
      writeFileSync(file, await requestToken(sidecars.kubernetes.admin, account));
      await expect.poll(() => sidecars.found(resolver, "refused"), soon).toEqual(["10.8.1.1"]);
    });
  });

  test("without the right the error says which one, and granting it is enough", async () => {
    const account = await sidecars.kubernetes.addAccount("default", []);
    const { serviceAccountFolder = "" } = await sidecars.kubernetes.optionsOf(account);
    const resolver = await sidecars.start({ serviceAccountFolder });
    await sidecars.add("granted", { address: "10.9.0.1" });
    const message = await sidecars.found(resolver, "granted");
    expect(message).toMatch(/forbidden.*needs a Role with get, list and watch of endpointslices/);
    expect(sidecars.log.warnings()).toHaveLength(1);
    await sidecars.kubernetes.allow(account, "default");
    await expect.poll(() => sidecars.found(resolver, "granted"), soon).toEqual(["10.9.0.1"]);
  });

  test("auto asks DNS while the API may not be read, says so, and watches as soon as it may", async () => {
    const binary = dnsmasqOrSkip();
    if (binary === undefined) return;
    const dns = new Dnsmasq(binary);
    try {
      await dns.serve({ "either-dapr.default.svc.cluster.local": ["10.9.2.1"] });
      await sidecars.add("either", { address: "10.9.2.2" });
      const account = await sidecars.kubernetes.addAccount("default", []);
      const { serviceAccountFolder = "" } = await sidecars.kubernetes.optionsOf(account);
      const nameServers = [dns.address];
      const resolver = await sidecars.start({ mode: "auto", serviceAccountFolder, nameServers });
      expect(await sidecars.found(resolver, "either")).toEqual(["10.9.2.1"]);
      const told = sidecars.log.warnings().filter((line) => line.includes("by the cluster's DNS"));
      expect(told).toHaveLength(1);
      expect(told.join()).toMatch(/forbidden/);
      await sidecars.kubernetes.allow(account, "default");
      await expect.poll(() => sidecars.found(resolver, "either"), soon).toEqual(["10.9.2.2"]);
      await expect
        .poll(() => sidecars.log.lines.at(-1), soon)
        .toMatch(/^info the API server answers: /);
    } finally {
      await dns.stop();
    }
  });

  test("auto watches where the API may be read", async () => {
    await sidecars.add("readable", { address: "10.9.3.1" });
    const resolver = await sidecars.start({ mode: "auto", nameServers: ["127.0.0.1:9"] });
    expect(await sidecars.found(resolver, "readable")).toEqual(["10.9.3.1"]);
    expect(sidecars.log.lines).toContain(
      "info app ids are resolved by EndpointSlices of namespace default",
    );
    expect(sidecars.log.lines.join()).not.toContain("DNS");
  });

  test("a namespace that may not be read does not harm the others", async () => {
    await sidecars.add("own", { address: "10.9.1.1" });
    const resolver = await sidecars.start();
    const other = resolver.resolve({ appId: "own", namespace: "kube-system" }, signal);
    await expect(other).rejects.toThrow(/in namespace kube-system/);
    expect(await sidecars.found(resolver, "own")).toEqual(["10.9.1.1"]);
  });
});
