import { generateKeyPairSync, X509Certificate } from "node:crypto";
import {
  type KubernetesClient,
  kubernetesClient,
  kubernetesStore,
  kubernetesValidator,
} from "@outrigger/certificate-authority";
import {
  type Account,
  allow,
  createCustomResource,
  createNamespace,
  createPod,
  type KubernetesApi,
  KubernetesCluster,
  type KubernetesObject,
  type Rule,
  requestToken,
  resignToken,
  serversOrSkip,
} from "@outrigger/test-servers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chainOf, goodRequest, sign, startAuthority } from "./running-authority.ts";

const servers = serversOrSkip("etcd", "kube-apiserver");

const audience = "dapr.io/sentry";
const spiffeId = "spiffe://cluster.local/ns/dapr-system/dapr-sentry";
const identity = { spiffeId, trustDomain: "cluster.local", namespace: "dapr-system" };
const signal = AbortSignal.timeout(300_000);
const objectName = "dapr-trust-bundle";

const sentry: Account = { namespace: "dapr-system", name: "sentry" };
const clerk: Account = { namespace: "shop", name: "clerk" };
const cook: Account = { namespace: "shop", name: "cook" };

/** All that the validator needs, and what is left out in turn. */
const rules = {
  tokenreviews: { group: "authentication.k8s.io", resource: "tokenreviews", verbs: ["create"] },
  pods: { resource: "pods", verbs: ["get"] },
  configurations: { group: "dapr.io", resource: "configurations", verbs: ["get"] },
} satisfies Record<string, Rule>;
const storeRules: readonly Rule[] = [
  { resource: "secrets", verbs: ["get", "update"], names: [objectName] },
  { resource: "configmaps", verbs: ["get", "update"], names: [objectName] },
];

describe.skipIf(servers === undefined)("a real cluster", () => {
  let cluster: KubernetesCluster;
  let admin: KubernetesApi;
  let pod: KubernetesObject;
  let authority: KubernetesClient;

  beforeAll(async () => {
    if (servers === undefined) return;
    cluster = await KubernetesCluster.start(servers);
    admin = cluster.api();
    await createNamespace(admin, sentry.namespace, [sentry.name]);
    await createNamespace(admin, clerk.namespace, [clerk.name, cook.name]);
    await createCustomResource(admin, "dapr.io", "Configuration");
    await allow(admin, sentry, "sentry", Object.values(rules));
    await allow(admin, sentry, "sentry-store", storeRules, sentry.namespace);
    pod = await createPod(admin, clerk, "orders-1", { "dapr.io/app-id": "orders" });
    authority = await clientOf(sentry);
  }, 90_000);

  afterAll(() => cluster?.stop());

  /** What a component of the control plane has that runs as an account. */
  async function clientOf(account: Account): Promise<KubernetesClient> {
    const token = await requestToken(admin, account);
    return kubernetesClient({ server: cluster.server, ca: cluster.ca, token: async () => token });
  }

  function tokenOf(of: KubernetesObject = pod, account: Account = clerk): Promise<string> {
    return requestToken(admin, account, { audiences: [audience], pod: of });
  }

  async function validate(
    changes: Partial<typeof goodRequest> = {},
    client: KubernetesClient = authority,
  ): Promise<string> {
    const token = changes.token ?? (await tokenOf());
    const request = { ...goodRequest, namespace: clerk.namespace, ...changes, token };
    return kubernetesValidator({ client, ...identity }).validate(request, signal);
  }

  test("a token of the pod for Dapr's audience is good", async () => {
    await expect(validate()).resolves.toBe("public");
  });

  test("so is one for the authority's own SPIFFE id", async () => {
    const token = await requestToken(admin, clerk, { audiences: [spiffeId], pod });
    await expect(validate({ token })).resolves.toBe("public");
  });

  test.for([
    ["another service", ["someone.else"]],
    ["the API server", []],
  ] as const)("a token for %s is not", async ([, audiences]) => {
    const token = await requestToken(admin, clerk, { audiences, pod });
    await expect(validate({ token })).rejects.toThrow(/^invalid token: .*audience/);
  });

  test.for([
    [{ namespace: "kitchen" }, "namespace mismatch; received namespace: kitchen"],
    [{ id: "billing" }, "app-id mismatch. expected: orders, received: billing"],
    [{ id: "orders-1" }, "app-id mismatch. expected: orders, received: orders-1"],
  ] as const)("a good token buys nobody else's name: %j", async ([changes, message]) => {
    await expect(validate(changes)).rejects.toThrow(new Error(message));
  });

  test("a token that has expired is refused", async () => {
    const now = Math.floor(Date.now() / 1_000);
    const times = { iat: now - 7_200, nbf: now - 7_200, exp: now - 3_600 };
    const token = await tokenOf();
    const expired = resignToken(token, cluster.signingKey, times);
    await expect(validate({ token: expired })).rejects.toThrow(/^invalid token: .*expired/);
    // The same by the same key is good while it lasts.
    const lasting = resignToken(token, cluster.signingKey, { exp: now + 600 });
    await expect(validate({ token: lasting })).resolves.toBe("public");
  });

  test("a token by another key is refused", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const token = resignToken(await tokenOf(), key);
    await expect(validate({ token })).rejects.toThrow("invalid token: ");
  });

  test("a token with changed claims is refused", async () => {
    const [header, , signature] = (await tokenOf()).split(".");
    const claims = resignToken(await tokenOf(), cluster.signingKey, { sub: "x" }).split(".")[1];
    const token = [header, claims, signature].join(".");
    await expect(validate({ token })).rejects.toThrow("invalid token: ");
  });

  test("a token without a pod, and text that is no token, are refused", async () => {
    const unbound = await requestToken(admin, clerk, { audiences: [audience] });
    await expect(validate({ token: unbound })).rejects.toThrow("pod/name claim is missing");
    const bare = JSON.stringify({ "kubernetes.io": { pod: { name: "orders-1" } } });
    for (const token of [bare, "rubbish"]) {
      await expect(validate({ token })).rejects.toThrow(/^(invalid token|authentication failed)/);
    }
  });

  test("a token dies with its pod", async () => {
    const create = (): Promise<KubernetesObject> =>
      createPod(admin, clerk, "gone-1", { "dapr.io/app-id": "gone" });
    const gone = await create();
    await expect(validate({ token: await tokenOf(gone), id: "gone" })).resolves.toBe("public");
    const token = await tokenOf(gone);
    await admin.delete("/api/v1/namespaces/shop/pods/gone-1");
    await create();
    // The API server remembers for 10 s that a token was good, in case it hears too late of the end.
    await expect
      .poll(() => refusal({ token, id: "gone" }), { timeout: 15_000 })
      .toMatch(/^invalid token: /);
  });

  function claimsOf(token: string): { readonly "kubernetes.io": object } {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  }

  async function refusal(changes: Partial<typeof goodRequest>): Promise<string> {
    return validate(changes).catch((error: Error) => error.message);
  }

  test("a pod of another account lends nobody its app id", async () => {
    const soup = await createPod(admin, cook, "soup-1", { "dapr.io/app-id": "soup" });
    const own = await tokenOf(soup, cook);
    await expect(validate({ token: own, id: "soup" })).resolves.toBe("public");
    await expect(tokenOf(soup, clerk)).rejects.toThrow("different serviceaccount");
    // Were the cluster to sign such a token, the authority would see the difference.
    const { name, uid } = soup.metadata as { name: string; uid: string };
    const account = await requestToken(admin, clerk, { audiences: [audience], pod });
    const claims = claimsOf(account)["kubernetes.io"];
    const mixed = { "kubernetes.io": { ...claims, pod: { name, uid } } };
    const token = resignToken(account, cluster.signingKey, mixed);
    await expect(validate({ token, id: "soup" })).rejects.toThrow("pod service account mismatch");
  });

  test("the trust domain is that of the pod's Configuration", async () => {
    const collection = "/apis/dapr.io/v1alpha1/namespaces/shop/configurations";
    const annotations = { "dapr.io/app-id": "tax", "dapr.io/config": "mine" };
    const token = await tokenOf(await createPod(admin, clerk, "tax-1", annotations));
    await expect(validate({ token, id: "tax" })).rejects.toThrow("failed to get configuration");
    // A new kind of resource is served some time after it was defined.
    const object = {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { name: "mine" },
      spec: { accessControl: { trustDomain: "shop.example" } },
    };
    await expect
      .poll(() => admin.create(collection, object).catch(String), { timeout: 10_000 })
      .toMatchObject({ kind: "Configuration" });
    await expect(validate({ token, id: "tax" })).resolves.toBe("shop.example");
  });

  describe("without a right", () => {
    test.for([
      ["tokenreviews", /^token review failed: .*forbidden/],
      ["pods", /^failed to get pod of identity$/],
      ["configurations", /^failed to get configuration$/],
    ] as const)("to %s the authority refuses", async ([left, message]) => {
      const poor = { namespace: "dapr-system", name: `no-${left}` };
      await admin.create("/api/v1/namespaces/dapr-system/serviceaccounts", {
        metadata: { name: poor.name },
      });
      const rest = Object.entries(rules).filter(([name]) => name !== left);
      await allow(
        admin,
        poor,
        poor.name,
        rest.map(([, rule]) => rule),
      );
      const annotations = { "dapr.io/app-id": "orders", "dapr.io/config": "some" };
      const token = await tokenOf(await createPod(admin, clerk, `for-${left}`, annotations));
      await expect(validate({ token }, await clientOf(poor))).rejects.toThrow(message);
    });

    test("beyond its own the authority has none", async () => {
      await expect(authority.secret("shop", objectName, signal)).rejects.toThrow("forbidden");
      await expect(authority.secret("dapr-system", "other", signal)).rejects.toThrow("forbidden");
    });
  });

  test("an authority keeps its material in the cluster and signs for pods", async () => {
    const core = "/api/v1/namespaces/dapr-system";
    for (const kind of ["secrets", "configmaps"]) {
      await admin.create(`${core}/${kind}`, { metadata: { name: objectName } });
    }
    const options = {
      store: kubernetesStore({ client: authority, namespace: "dapr-system" }),
      validators: [kubernetesValidator({ client: authority, ...identity })],
      defaultValidator: 2,
    };
    const running = await startAuthority(options);
    const outcome = await sign(running, { namespace: "shop", token: await tokenOf() });
    expect(outcome.status).toBe("OK");
    expect(new X509Certificate(chainOf(outcome)).subjectAltName).toBe(
      "URI:spiffe://public/ns/shop/orders",
    );
    const published = await authority.configMap("dapr-system", objectName, signal);
    expect(published).toEqual({ "ca.crt": running.authority.trustAnchors });
    const again = await startAuthority(options);
    expect(again.authority.trustAnchors).toBe(running.authority.trustAnchors);
  });

  test("an API server that is gone refuses, and is used again when it is back", async () => {
    const token = await tokenOf();
    await cluster.stopApiServer();
    try {
      await expect(validate({ token })).rejects.toThrow(/^token review failed: .*ECONNREFUSED/);
    } finally {
      await cluster.startApiServer();
    }
    await expect(validate({ token })).resolves.toBe("public");
  }, 60_000);
});
