import { sendRequest } from "../http-request.ts";
import { type ClusterAccess, Fields } from "./cluster-access.ts";
import type { ClusterTexts, KubernetesClient } from "./kubernetes-client.ts";

const timeoutMs = 10_000;

/** Speaks to the API server of a cluster. Names in paths are escaped: they come from callers. */
export function kubernetesClient(access: ClusterAccess): KubernetesClient {
  const send = (request: ApiRequest): Promise<Fields> => sendTo(access, request);
  return {
    async reviewToken(token, audiences, signal) {
      const review = await send({
        path: ["apis", "authentication.k8s.io", "v1", "tokenreviews"],
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenReview",
          spec: { token, audiences },
        },
        signal,
      });
      const status = review.inner("status");
      return {
        authenticated: status.flag("authenticated"),
        username: status.inner("user").text("username") ?? "",
        error: status.text("error") ?? "",
      };
    },
    async pod(namespace, name, signal) {
      const pod = await send({ path: inNamespace(namespace, "pods", name), signal });
      return {
        serviceAccount: pod.inner("spec").text("serviceAccountName") ?? "",
        annotations: pod.inner("metadata").inner("annotations").texts(),
      };
    },
    async configurationSpec(namespace, name, signal) {
      const path = ["apis", "dapr.io", "v1alpha1", "namespaces", namespace, "configurations", name];
      return (await send({ path, signal })).get("spec");
    },
    async secret(namespace, name, signal) {
      const secret = await send({ path: inNamespace(namespace, "secrets", name), signal });
      return mapTexts(secret.inner("data").texts(), fromBase64);
    },
    async configMap(namespace, name, signal) {
      const path = inNamespace(namespace, "configmaps", name);
      return (await send({ path, signal })).inner("data").texts();
    },
    async updateSecret(namespace, name, texts, signal) {
      const path = inNamespace(namespace, "secrets", name);
      await update(send, path, mapTexts(texts, toBase64), signal);
    },
    async updateConfigMap(namespace, name, texts, signal) {
      await update(send, inNamespace(namespace, "configmaps", name), texts, signal);
    },
  };
}

interface ApiRequest {
  readonly path: readonly string[];
  readonly method?: "PUT";
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/**
 * Dapr's role allows `update`, not `patch`: the whole object is read and written back. Its resource
 * version makes the cluster refuse a write that would undo somebody else's.
 */
async function update(
  send: (request: ApiRequest) => Promise<Fields>,
  path: readonly string[],
  data: ClusterTexts,
  signal: AbortSignal,
): Promise<void> {
  const object = await send({ path, signal });
  const body = { ...object.all(), data: { ...object.inner("data").texts(), ...data } };
  await send({ path, method: "PUT", body, signal });
}

async function sendTo(access: ClusterAccess, request: ApiRequest): Promise<Fields> {
  const path = request.path.map(encodeURIComponent).join("/");
  const { ca, clientCertificate: cert, clientKey: key, insecure = false } = access;
  const token = await access.token();
  const { status, body } = await sendRequest({
    url: new URL(path, withSlash(access.server)),
    method: request.method ?? (request.body === undefined ? "GET" : "POST"),
    headers: {
      accept: "application/json",
      ...(request.body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    tls: {
      rejectUnauthorized: !insecure,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
    timeoutMs,
    signal: request.signal,
  });
  const answer = new Fields(parseJson(body));
  if (status >= 200 && status < 300) return answer;
  throw new Error(answer.text("message") ?? `the cluster answered with status ${status}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Proxies answer in other forms; the status tells enough.
    return undefined;
  }
}

/** A server may be given with a path, which belongs before the API's own. */
function withSlash(server: URL): URL {
  return new URL(server.href.endsWith("/") ? server.href : `${server.href}/`);
}

function inNamespace(namespace: string, kind: string, name: string): readonly string[] {
  return ["api", "v1", "namespaces", namespace, kind, name];
}

function mapTexts(texts: ClusterTexts, change: (text: string) => string): ClusterTexts {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, change(text)]));
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

function toBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
