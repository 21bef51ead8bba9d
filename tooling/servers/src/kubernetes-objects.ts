import { createSign } from "node:crypto";
import type { KubernetesApi, KubernetesObject } from "./kubernetes-api.ts";

const rbac = "rbac.authorization.k8s.io";

/** A service account, which is what pods and components run as. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** What a role allows (`rbac.authorization.k8s.io/v1`). */
export interface Rule {
  /** Default the core group. */
  readonly group?: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Default every object. */
  readonly names?: readonly string[];
}

/** Creates a namespace with service accounts. */
export async function createNamespace(
  api: KubernetesApi,
  name: string,
  accounts: readonly string[] = [],
): Promise<void> {
  await api.create("/api/v1/namespaces", { metadata: { name } });
  for (const account of accounts) {
    const path = `/api/v1/namespaces/${name}/serviceaccounts`;
    await api.create(path, { metadata: { name: account } });
  }
}

/** Creates a pod, which nothing will ever run. */
export function createPod(
  api: KubernetesApi,
  { namespace, name: serviceAccountName }: Account,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<KubernetesObject> {
  return api.create(`/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name, annotations },
    spec: { serviceAccountName, containers: [{ name: "app", image: "none" }] },
  });
}

/** Creates a custom resource whose objects may hold anything, served as `v1alpha1`. */
export async function createCustomResource(
  api: KubernetesApi,
  group: string,
  kind: string,
): Promise<void> {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  const schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const name = `${plural}.${group}`;
  const collection = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  await api.create(collection, {
    metadata: { name },
    spec: {
      group,
      names: { kind, plural, singular, listKind: `${kind}List` },
      scope: "Namespaced",
      versions: [
        { name: "v1alpha1", served: true, storage: true, schema: { openAPIV3Schema: schema } },
      ],
    },
  });
}

/** Lets an account do what the rules say, by a role of that name: in one namespace, or in all. */
export async function allow(
  api: KubernetesApi,
  account: Account,
  name: string,
  rules: readonly Rule[],
  namespace?: string,
): Promise<void> {
  const kind = namespace === undefined ? "ClusterRole" : "Role";
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  const collection = `/apis/${rbac}/v1${scope}/${kind.toLowerCase()}`;
  await api.create(`${collection}s`, {
    metadata: { name },
    rules: rules.map(({ group = "", resource, verbs, names }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs,
      ...(names === undefined ? {} : { resourceNames: names }),
    })),
  });
  await api.create(`${collection}bindings`, {
    metadata: { name },
    roleRef: { apiGroup: rbac, kind, name },
    subjects: [{ kind: "ServiceAccount", ...account }],
  });
}

/** What a token is good for. */
export interface TokenRequest {
  /** Default the API server itself. */
  readonly audiences?: readonly string[];
  /** The pod that the token lives and dies with. Default none. */
  readonly pod?: KubernetesObject;
}

/** A token of a service account, signed by the API server. */
export async function requestToken(
  api: KubernetesApi,
  { namespace, name }: Account,
  { audiences = [], pod }: TokenRequest = {},
): Promise<string> {
  const bound =
    pod === undefined
      ? {}
      : { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...identityOf(pod) } };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const answer = await api.create(path, { spec: { audiences, ...bound } });
  return (answer.status as { token: string }).token;
}

/** The same token with other claims, signed by a key (PEM) that may or may not be the cluster's. */
export function resignToken(
  token: string,
  key: string,
  changes: Readonly<Record<string, unknown>> = {},
): string {
  const [header = "", payload = ""] = token.split(".");
  const claims: object = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  const changed = Buffer.from(JSON.stringify({ ...claims, ...changes })).toString("base64url");
  const signed = `${header}.${changed}`;
  return `${signed}.${createSign("sha256").update(signed).sign(key, "base64url")}`;
}

function identityOf(object: KubernetesObject): { name: string; uid: string } {
  const { name, uid } = object.metadata as { name: string; uid: string };
  return { name, uid };
}
