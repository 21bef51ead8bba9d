import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Load } from "./load.ts";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { createRoot } from "./new-root.ts";
import { SentryProcess } from "./sentry-process.ts";

let mesh: Mesh;
let sentry: SentryProcess;
beforeEach(() => {
  mesh = new Mesh();
});
afterEach(async () => {
  await mesh.close();
  await sentry.close();
});

const policy = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: e2e
spec:
  accessControl:
    defaultAction: deny
    trustDomain: public
    policies:
    - appId: checkout
      defaultAction: deny
      trustDomain: public
      namespace: default
      operations:
      - name: /public
        httpVerb: ["GET"]
        action: allow
`;

async function startPair(
  client: { flags: readonly string[]; env: Readonly<Record<string, string>> },
  calleeFlags: readonly string[] = [],
): Promise<{ caller: SidecarProcess; callee: SidecarProcess; seen: string[] }> {
  const seen: string[] = [];
  const app = await mesh.app((request, response) => {
    if (request.url !== "/dapr/config") seen.push(`${request.method} ${request.url}`);
    response.end("ok");
  });
  const flags = [...client.flags, ...calleeFlags];
  const callee = await mesh.sidecar("orders", { appPort: app.port, flags, env: client.env });
  const caller = await mesh.sidecar("checkout", client);
  return { caller, callee, seen };
}

const invoke = (sidecar: SidecarProcess, method: string): ReturnType<typeof call> =>
  call(sidecar.httpPort, "GET", `/v1.0/invoke/orders/method/${method}`);

test("sidecars with certificates talk to each other, and to nobody else", async () => {
  sentry = new SentryProcess();
  await sentry.start();
  const { caller, callee, seen } = await startPair(sentry.client());
  expect((await invoke(caller, "hello")).body).toBe("ok");
  const plain = await mesh.sidecar("plain");
  const refused = await invoke(plain, "hello");
  expect(refused.status).toBe(500);
  expect(seen).toEqual(["GET /hello"]);
  expect(callee.output()).toMatch(/refused a connection of 127\.0\.0\.1:\d+: TLS handshake failed/);
});

test("what may be called depends on the proven identity, not on what a caller says", async () => {
  sentry = new SentryProcess();
  await sentry.start();
  const rules = ["--config", mesh.writeConfig("policy.yaml", policy)];
  const { caller, seen } = await startPair(sentry.client(), rules);
  expect((await invoke(caller, "public")).status).toBe(200);
  const denied = await invoke(caller, "admin");
  expect(denied.status).toBe(403);
  expect(denied.body).toContain(
    "access control policy has denied access to id: spiffe://public/ns/default/checkout operation: admin verb: GET",
  );
  const other = await mesh.sidecar("other", sentry.client());
  const forged = await call(other.httpPort, "GET", "/v1.0/invoke/orders/method/public", {
    headers: { "dapr-caller-app-id": "checkout", "x-forwarded-client-cert": "checkout" },
  });
  expect(forged.status).toBe(403);
  expect(seen).toEqual(["GET /public"]);
});

describe("under load", () => {
  const renewals = (sidecar: SidecarProcess): number =>
    sidecar.output().split("workload certificate renewed").length - 1;

  test("certificates renew without a failed call", async () => {
    sentry = new SentryProcess({ workloadCertTtl: "4s", allowedClockSkew: "1s" });
    await sentry.start();
    const { caller, callee } = await startPair(sentry.client());
    const load = new Load(caller.httpPort, "/v1.0/invoke/orders/method/x");
    await waitFor(async () => renewals(caller) >= 3 && renewals(callee) >= 3, "three renewals");
    const { calls, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(100);
  });

  test("an authority that is away for a while is no failed call, and is told", async () => {
    sentry = new SentryProcess({ workloadCertTtl: "8s", allowedClockSkew: "0s" });
    await sentry.start();
    const { caller } = await startPair(sentry.client());
    const load = new Load(caller.httpPort, "/v1.0/invoke/orders/method/x");
    await sentry.stop();
    await waitFor(
      async () => caller.output().includes("Error renewing the workload certificate"),
      "a failed renewal",
    );
    await sentry.start();
    const { failures } = await load.stop();
    expect(failures).toEqual([]);
  });

  test("a root is replaced in the documented steps without a failed call", async () => {
    sentry = new SentryProcess({ workloadCertTtl: "4s", allowedClockSkew: "1s" });
    await sentry.start();
    const folder = mkdtempSync(join(tmpdir(), "outrigger-roots-"));
    try {
      const anchorsFile = join(folder, "anchors.pem");
      const oldRoot = sentry.anchors;
      writeFileSync(anchorsFile, oldRoot);
      const { caller, callee } = await startPair(sentry.client(anchorsFile));
      const load = new Load(caller.httpPort, "/v1.0/invoke/orders/method/x");
      const { root, issuer, issuerKey } = createRoot(folder);

      // 1: everybody trusts both.
      writeFileSync(anchorsFile, `${oldRoot}\n${root}`);
      await waitFor(
        async () => [caller, callee].every((each) => each.output().includes("anchors reloaded")),
        "both trust both roots",
      );
      // 2: the authority signs with the new one, and all certificates are renewed under it.
      writeFileSync(join(sentry.credentials, "ca.crt"), `${oldRoot}\n${root}`);
      writeFileSync(join(sentry.credentials, "issuer.crt"), issuer);
      writeFileSync(join(sentry.credentials, "issuer.key"), issuerKey);
      await sentry.stop();
      await sentry.start();
      const before = [renewals(caller), renewals(callee)] as const;
      await waitFor(
        async () => renewals(caller) > before[0] + 1 && renewals(callee) > before[1] + 1,
        "renewals under the new root",
      );
      // 3: the old root goes.
      writeFileSync(anchorsFile, root);
      await waitFor(
        async () =>
          [caller, callee].every((each) => each.output().split("anchors reloaded").length > 2),
        "both trust the new root only",
      );
      const fresh = await mesh.sidecar("fresh", sentry.client(anchorsFile));
      expect((await invoke(fresh, "x")).status).toBe(200);
      expect((await load.stop()).failures).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test("no key and no token is in what the processes wrote", async () => {
  sentry = new SentryProcess();
  await sentry.start();
  const { flags, env } = sentry.client();
  const secrets = { DAPR_API_TOKEN: "api-secret-1", APP_API_TOKEN: "app-secret-2" };
  const client = { flags: [...flags, "--log-level", "debug"], env: { ...env, ...secrets } };
  const app = await mesh.app((_request, response) => response.end("ok"));
  const callee = await mesh.sidecar("orders", { appPort: app.port, ...client });
  const caller = await mesh.sidecar("checkout", client);
  const headers = { "dapr-api-token": "api-secret-1" };
  const path = "/v1.0/invoke/orders/method/x";
  expect((await call(caller.httpPort, "GET", path, { headers })).status).toBe(200);
  expect((await call(caller.httpPort, "GET", path)).status).toBe(401);
  const metadata = await call(caller.httpPort, "GET", "/v1.0/metadata", { headers });
  const written = [caller.output(), callee.output(), sentry.output(), metadata.body].join("\n");
  expect(written).not.toMatch(/api-secret-1|app-secret-2|PRIVATE KEY/);
});
