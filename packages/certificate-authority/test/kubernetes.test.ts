import { X509Certificate } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  clusterAccess,
  kubernetesClient,
  kubernetesStore,
  kubernetesValidator,
} from "@outrigger/certificate-authority";
import { beforeEach, describe, expect, test } from "vitest";
import { FakeCluster } from "./fake-cluster.ts";
import { verify } from "./openssl.ts";
import { privateHttps } from "./private-https.ts";
import { chainOf, goodRequest, sign, startAuthority, testFolder } from "./running-authority.ts";

const spiffeId = "spiffe://cluster.local/ns/dapr-system/dapr-sentry";
const identity = { spiffeId, trustDomain: "cluster.local", namespace: "dapr-system" };
const signal = AbortSignal.timeout(60_000);

const podPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods/orders-1`;

function tokenOf(payload: unknown): string {
  const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
  return `e30.${text}.c2ln`;
}

const claims = { "kubernetes.io": { pod: { name: "orders-1" } } };
const token = tokenOf(claims);
const request = { ...goodRequest, namespace: "shop", token };

let cluster: FakeCluster;
beforeEach(() => {
  cluster = new FakeCluster();
  cluster.reviewStatus = {
    authenticated: true,
    user: { username: "system:serviceaccount:shop:clerk" },
  };
});

function addPod(annotations: Record<string, string>, namespace = "shop", account = "clerk"): void {
  cluster.objects.set(podPath(namespace), {
    metadata: { annotations },
    spec: { serviceAccountName: account },
  });
}

function ofAccount(namespace: string): void {
  const username = `system:serviceaccount:${namespace}:clerk`;
  cluster.reviewStatus = { authenticated: true, user: { username } };
}

async function validate(changes: Partial<typeof request> = {}): Promise<string> {
  const validator = kubernetesValidator({ client: await cluster.start(), ...identity });
  return validator.validate({ ...request, ...changes }, signal);
}

test("reviews the token for exactly two audiences, in order", async () => {
  addPod({ "dapr.io/app-id": "orders" });
  await expect(validate()).resolves.toBe("public");
  expect(cluster.reviews).toEqual([
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: ["dapr.io/sentry", spiffeId] },
    },
  ]);
  expect(new Set(cluster.authorizations)).toEqual(new Set(["Bearer of the authority"]));
});

test("reads the payload of a token that is bare JSON", async () => {
  addPod({ "dapr.io/app-id": "orders" });
  await expect(validate({ token: JSON.stringify(claims) })).resolves.toBe("public");
});

test("a pod without an app id is called by its own name", async () => {
  addPod({});
  await expect(validate({ id: "orders-1" })).resolves.toBe("public");
});

describe("refusals", () => {
  test("a review that fails", async () => {
    cluster.reviewCode = 403;
    await expect(validate()).rejects.toThrow("token review failed: no");
  });

  test.for([
    [{ error: "too old" }, "invalid token: too old"],
    [{ authenticated: false }, "authentication failed"],
    [
      { authenticated: true, user: { username: "jane" } },
      "provided token is not a properly structured service account token",
    ],
    [
      { authenticated: true, user: { username: "x:serviceaccount:shop:clerk" } },
      "provided token is not a properly structured service account token",
    ],
  ] as const)("review %j", async ([status, message]) => {
    addPod({ "dapr.io/app-id": "orders" });
    cluster.reviewStatus = status;
    await expect(validate()).rejects.toThrow(new Error(message));
  });

  test.for([
    [{ token: tokenOf({}) }, "kubernetes.io/pod/name claim is missing from Kubernetes token"],
    [
      { token: tokenOf({ "kubernetes.io": { pod: { name: "none" } } }) },
      "failed to get pod of identity",
    ],
    [{ token: "rubbish" }, "failed to parse Kubernetes token: its payload is no JSON object"],
    [{ namespace: "other" }, "namespace mismatch; received namespace: other"],
    [{ id: "checkout" }, "app-id mismatch. expected: orders, received: checkout"],
    [{ id: "shop:clerk" }, "app-id mismatch. expected: orders, received: shop:clerk"],
    [{ id: "a.b" }, "invalid request: parameter app-id cannot contain dots"],
  ] as const)("%j", async ([changes, message]) => {
    addPod({ "dapr.io/app-id": "orders" });
    await expect(validate(changes)).rejects.toThrow(new Error(message));
  });

  test("a pod that runs under another account", async () => {
    addPod({ "dapr.io/app-id": "orders" }, "shop", "cook");
    await expect(validate()).rejects.toThrow(new Error("pod service account mismatch"));
  });

  test("a pod name that would lead elsewhere is only a name", async () => {
    const name = "../../../../api/v1/namespaces/shop/pods/orders-1";
    addPod({ "dapr.io/app-id": "orders" });
    const tricky = tokenOf({ "kubernetes.io": { pod: { name } } });
    await expect(validate({ token: tricky })).rejects.toThrow("failed to get pod of identity");
  });
});

describe("control plane services", () => {
  const own = { namespace: "dapr-system" };

  test("get the authority's trust domain in its namespace", async () => {
    ofAccount("dapr-system");
    addPod({ "dapr.io/control-plane": "operator" }, "dapr-system");
    await expect(validate({ ...own, id: "dapr-operator" })).resolves.toBe("cluster.local");
  });

  test("are nowhere else", async () => {
    addPod({ "dapr.io/control-plane": "operator" });
    await expect(validate({ id: "dapr-operator" })).rejects.toThrow("is not allowed");
  });

  test("are the known ones", async () => {
    ofAccount("dapr-system");
    addPod({ "dapr.io/control-plane": "king" }, "dapr-system");
    await expect(validate({ ...own, id: "dapr-king" })).rejects.toThrow("unknown control plane");
  });

  test("are no apps", async () => {
    ofAccount("dapr-system");
    const both = { "dapr.io/control-plane": "operator", "dapr.io/app-id": "orders" };
    addPod(both, "dapr-system");
    await expect(validate({ ...own, id: "dapr-operator" })).rejects.toThrow(
      "cannot have annotation",
    );
  });
});

describe("trust domain", () => {
  const path = "/apis/dapr.io/v1alpha1/namespaces/shop/configurations/mine";

  test.for([
    [{ accessControl: { trustDomain: "shop.example" } }, "shop.example"],
    [{ accessControl: { trustDomain: "" } }, "public"],
    [{}, "public"],
  ] as const)("of a Configuration with %j", async ([spec, expected]) => {
    addPod({ "dapr.io/app-id": "orders", "dapr.io/config": "mine" });
    cluster.objects.set(path, { spec });
    await expect(validate({ trustDomain: "ignored.example" })).resolves.toBe(expected);
  });

  test("a Configuration that is missing refuses", async () => {
    addPod({ "dapr.io/app-id": "orders", "dapr.io/config": "mine" });
    await expect(validate()).rejects.toThrow(new Error("failed to get configuration"));
  });
});

describe("the Secret and the ConfigMap", () => {
  const secretPath = "/api/v1/namespaces/dapr-system/secrets/dapr-trust-bundle";
  const mapPath = "/api/v1/namespaces/dapr-system/configmaps/dapr-trust-bundle";

  test("receive what was made, are found again, and must agree", async () => {
    const metadata = { name: "dapr-trust-bundle", resourceVersion: "7" };
    cluster.objects.set(secretPath, { kind: "Secret", metadata });
    cluster.objects.set(mapPath, { kind: "ConfigMap", metadata });
    addPod({ "dapr.io/app-id": "orders" });
    const client = await cluster.start();
    const store = kubernetesStore({ client, namespace: "dapr-system" });
    const validators = [kubernetesValidator({ client, ...identity })];
    const options = { store, validators, defaultValidator: 2 };
    const first = await startAuthority(options);
    const anchors = first.authority.trustAnchors;
    const outcome = await sign(first, request);
    expect(outcome.status).toBe("OK");
    expect(verify(chainOf(outcome), anchors)).toContain(": OK");
    expect(new X509Certificate(chainOf(outcome)).subjectAltName).toBe(
      "URI:spiffe://public/ns/shop/orders",
    );
    expect(cluster.objects.get(secretPath)).toMatchObject({
      metadata,
      data: {
        "ca.crt": Buffer.from(anchors).toString("base64"),
        "issuer.crt": expect.any(String),
        "issuer.key": expect.any(String),
      },
    });
    expect(cluster.objects.get(mapPath)).toEqual({
      kind: "ConfigMap",
      metadata,
      data: { "ca.crt": anchors },
    });
    const second = await startAuthority(options);
    expect(second.authority.trustAnchors).toBe(anchors);
    cluster.objects.set(mapPath, { metadata, data: { "ca.crt": "another" } });
    const third = await startAuthority(options);
    expect(third.authority.trustAnchors).not.toBe(anchors);
  });
});

test("finds the cluster by a kubeconfig", async () => {
  const folder = testFolder();
  writeFileSync(join(folder, "token"), "from a file\n");
  const file = join(mkdtempSync(join(folder, "kube-")), "config");
  writeFileSync(
    file,
    JSON.stringify({
      "current-context": "b",
      contexts: [
        { name: "a", context: { cluster: "x", user: "x" } },
        { name: "b", context: { cluster: "c", user: "u" } },
      ],
      clusters: [
        {
          name: "c",
          cluster: {
            server: "https://10.0.0.1:6443",
            "certificate-authority-data": Buffer.from("PEM").toString("base64"),
          },
        },
      ],
      users: [{ name: "u", user: { tokenFile: join(folder, "token") } }],
    }),
  );
  const access = await clusterAccess({}, file);
  expect(access).toMatchObject({ ca: "PEM", insecure: false, clientKey: undefined });
  expect(access.server.href).toBe("https://10.0.0.1:6443/");
  await expect(access.token()).resolves.toBe("from a file");
  await expect(clusterAccess({}, join(folder, "none"))).rejects.toMatchObject({
    code: "OTR_OPTIONS_INVALID",
  });
});

test("speaks TLS to the cluster, with the cluster's root only", async () => {
  const pod = { metadata: {}, spec: { serviceAccountName: "clerk" } };
  const { url, ca } = await privateHttps((_request, response) => response.end(JSON.stringify(pod)));
  const access = { server: url, token: async () => "x" };
  const trusting = kubernetesClient({ ...access, ca });
  await expect(trusting.pod("shop", "orders-1", signal)).resolves.toEqual({
    serviceAccount: "clerk",
    annotations: {},
  });
  const other = kubernetesClient(access);
  await expect(other.pod("shop", "orders-1", signal)).rejects.toThrow("self-signed certificate");
});
