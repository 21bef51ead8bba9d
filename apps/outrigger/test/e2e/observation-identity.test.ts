import type { CallGraphSnapshot } from "@outrigger/call-graph";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess } from "./mesh.ts";
import { SentryProcess } from "./sentry-process.ts";

const mesh = new Mesh();
const sentry = new SentryProcess();
let checkout: SidecarProcess;
let orders: SidecarProcess;

const policy = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: policy
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

beforeAll(async () => {
  await sentry.start();
  const app = await mesh.app((_request, response) => response.end("ok"));
  const client = sentry.client();
  const rules = ["--config", mesh.writeConfig("policy.yaml", policy)];
  const flags = [...client.flags, ...rules];
  orders = await mesh.sidecar("orders", { ...client, appPort: app.port, flags });
  checkout = await mesh.sidecar("checkout", client);
});

afterAll(async () => {
  await mesh.close();
  await sentry.close();
});

async function read<T>(sidecar: SidecarProcess, route: string): Promise<T> {
  return JSON.parse((await call(sidecar.httpPort, "GET", `/outrigger/v1/${route}`)).body) as T;
}

test("callers are proven, and refused calls are told apart at both ends", async () => {
  for (const method of ["public", "admin"]) {
    await call(checkout.httpPort, "GET", `/v1.0/invoke/orders/method/${method}`);
  }
  for (const sidecar of [checkout, orders]) {
    const { edges } = await read<CallGraphSnapshot>(sidecar, "call-graph");
    const byClass = { "2xx": 1, denied: 1 };
    expect(edges).toMatchObject([{ total: 2, errors: 1, windows: [{ byClass }, {}, {}] }]);
  }
  const { edges } = await read<CallGraphSnapshot>(orders, "call-graph");
  expect(edges).toMatchObject([{ side: "callee", proven: true, caller: { appId: "checkout" } }]);
});

test("a sidecar tells when its certificate ends, and never its key", async () => {
  const told = await read<{ readonly mtls: { readonly expiresAt: number } }>(orders, "sidecar");
  expect(told).toMatchObject({
    mtls: { enabled: true, spiffeId: "spiffe://public/ns/default/orders" },
    config: { accessControl: { defaultAction: "deny", policies: ["checkout"] } },
  });
  expect(told.mtls.expiresAt).toBeGreaterThan(Date.now());
  expect(JSON.stringify(told)).not.toMatch(/PRIVATE|BEGIN/);
});
