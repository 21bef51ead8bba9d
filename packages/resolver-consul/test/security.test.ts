import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import type { Resolver } from "@outrigger/core";
import { type ConsulClientOptions, resolverConsul } from "@outrigger/resolver-consul";
import { ConsulServer, freePorts, ServerProcess, serversOrSkip } from "@outrigger/test-servers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { instanceOf } from "./instance.ts";

const binaries = serversOrSkip("consul");
const consul = binaries?.consul ?? "";
const signal = AbortSignal.timeout(120_000);
const own = instanceOf("orders", 22_301);
const question = { appId: "orders", namespace: "default" };
const endpoint = { host: "127.0.0.1", port: 22_301, namespace: "default" };

let resolvers: Resolver[] = [];

async function started(client: ConsulClientOptions): Promise<Resolver> {
  const resolver = resolverConsul({ client })(testContext());
  resolvers.push(resolver);
  await resolver.start?.(signal);
  return resolver;
}

afterEach(async () => {
  await Promise.all(resolvers.map((resolver) => resolver.stop?.()));
  resolvers = [];
});

describe.skipIf(binaries === undefined)("an agent that asks for tokens", () => {
  const management = "11111111-1111-1111-1111-111111111111";
  let server: ConsulServer;
  let token = "";

  beforeAll(async () => {
    const tokens = { initial_management: management, agent: management };
    const acl = { enabled: true, default_policy: "deny", tokens };
    server = await ConsulServer.start(consul, { config: { acl }, token: management });
    // What a sidecar needs, and nothing else.
    const Rules = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }';
    await server.put("/v1/acl/policy", { Name: "sidecar", Rules });
    const made = await server.put("/v1/acl/token", { Policies: [{ Name: "sidecar" }] });
    token = ((await made.json()) as { SecretID: string }).SecretID;
  }, 40_000);
  afterAll(() => server.remove());

  test("registers, resolves, lives and leaves with a token that may do just that", async () => {
    const resolver = await started({ address: server.address, token });
    await resolver.announce?.(own, signal);
    expect(await resolver.resolve(question, signal)).toEqual([endpoint]);
    await resolver.withdraw?.();
    expect(await server.get("/v1/agent/services")).toEqual({});
  });

  test("takes the token from a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-token-"));
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, `${token}\n`);
    const resolver = await started({ address: server.address, tokenFile, token: "wrong" });
    rmSync(folder, { recursive: true });
    await resolver.announce?.(own, signal);
    expect(await resolver.resolve(question, signal)).toEqual([endpoint]);
  });

  test("says what the agent said to a wrong token, and never the token", async () => {
    const wrong = "22222222-2222-2222-2222-222222222222";
    const resolver = await started({ address: server.address, token: wrong });
    const registering = resolver.announce?.(own, signal);
    const text = "failed to register consul service: Unexpected response code: 403 (ACL not found)";
    await expect(registering).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED", message: text });
    const resolving = resolver.resolve(question, signal);
    await expect(resolving).rejects.toThrow(
      "failed to query healthy consul services: Unexpected response code: 403 (ACL not found)",
    );
  });
});

describe.skipIf(binaries === undefined)("an agent that asks for certificates", () => {
  let folder: string;
  let files: Certificates;
  let agent: ServerProcess;
  let address: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "outrigger-consul-tls-"));
    files = makeCertificates(consul, folder);
    const [https = 0, serf_lan = 0, serf_wan = 0, server = 0] = await freePorts(4);
    const [cert_file, key_file] = files.agent;
    const defaults = { ca_file: files.ca, cert_file, key_file, verify_incoming: true };
    const off = { http: -1, dns: -1, grpc: -1, grpc_tls: -1 };
    const config = { tls: { defaults }, ports: { https, serf_lan, serf_wan, server, ...off } };
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    const parameters = ["agent", "-dev", "-bind", "127.0.0.1", "-config-file"];
    agent = new ServerProcess(consul, [...parameters, join(folder, "config.json")]);
    address = `127.0.0.1:${https}`;
    const [certFile, keyFile] = files.client;
    const client = {
      address,
      scheme: "https",
      tls: { caFile: files.ca, certFile, keyFile },
    } as const;
    await agent.ready(async () => {
      const probe = resolverConsul({ client })(testContext());
      await probe.announce?.(instanceOf("probe", 22_302), signal).finally(() => probe.stop?.());
    }, 20_000);
  }, 40_000);
  afterAll(async () => {
    await agent.stop();
    rmSync(folder, { recursive: true });
  });

  const clientOf = (tls: ConsulClientOptions["tls"]): ConsulClientOptions => ({
    address: `https://${address}`,
    ...(tls && { tls }),
  });

  test("registers, resolves and leaves with a certificate of its authority", async () => {
    const [certFile, keyFile] = files.client;
    const resolver = await started(clientOf({ caFile: files.ca, certFile, keyFile }));
    await resolver.announce?.(own, signal);
    expect(await resolver.resolve(question, signal)).toEqual([endpoint]);
    await resolver.withdraw?.();
    await expect(resolver.resolve(question, signal)).rejects.toMatchObject({
      message: "no healthy services found with AppID 'orders'",
    });
  });

  test("checks the name in the agent's certificate, which may be another one than the host", async () => {
    const [certFile, keyFile] = files.client;
    const tls = { caFile: files.ca, certFile, keyFile };
    const named = await started(clientOf({ ...tls, address: "server.dc1.consul:8501" }));
    await named.announce?.(own, signal);
    const wrong = await started(clientOf({ ...tls, address: "other.example" }));
    await expect(wrong.announce?.(own, signal)).rejects.toThrow(/other\.example/);
  });

  test("does not trust an agent of an unknown authority, unless told to", async () => {
    const [certFile, keyFile] = files.client;
    const distrusting = await started(clientOf({ certFile, keyFile }));
    await expect(distrusting.announce?.(own, signal)).rejects.toThrow(
      /^failed to register consul service: .*certificate/,
    );
    const trusting = await started(clientOf({ certFile, keyFile, insecureSkipVerify: true }));
    await trusting.announce?.(own, signal);
    expect(await trusting.resolve(question, signal)).toEqual([endpoint]);
  });

  test("is refused without a certificate", async () => {
    const resolver = await started(clientOf({ caFile: files.ca }));
    await expect(resolver.resolve(question, signal)).rejects.toMatchObject({
      code: "OTR_RESOLVE_FAILED",
    });
  });

  test("reads the authorities of a folder", async () => {
    const caPath = mkdtempSync(join(folder, "authorities-"));
    const [certFile, keyFile] = files.client;
    copyFileSync(files.ca, join(caPath, "ca.pem"));
    const resolver = await started(clientOf({ caPath, certFile, keyFile }));
    await resolver.announce?.(own, signal);
    expect(await resolver.resolve(question, signal)).toEqual([endpoint]);
  });
});
