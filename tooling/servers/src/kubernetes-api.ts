import { request as requestHttps } from "node:https";

/** An object of the cluster, as JSON. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

const timeoutMs = 10_000;

/** What the API server answered when it did not do what it was asked for. */
export class KubernetesApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Requests to an API server on behalf of one user. Paths begin with `/api` or `/apis`. */
export class KubernetesApi {
  readonly server: URL;
  readonly ca: string;
  readonly token: string;

  constructor(server: URL, ca: string, token: string) {
    this.server = server;
    this.ca = ca;
    this.token = token;
  }

  get(path: string): Promise<KubernetesObject> {
    return this.#send("GET", path);
  }

  /** @param path of the collection, for example `/api/v1/namespaces/shop/pods` */
  create(path: string, object: KubernetesObject): Promise<KubernetesObject> {
    return this.#send("POST", path, object);
  }

  /** @param path of the object */
  replace(path: string, object: KubernetesObject): Promise<KubernetesObject> {
    return this.#send("PUT", path, object);
  }

  /** Merges the given fields into the object (RFC 7396); null takes a field away. */
  patch(path: string, fields: KubernetesObject): Promise<KubernetesObject> {
    return this.#send("PATCH", path, fields);
  }

  /** Deletes at once: without a kubelet nobody would end the grace period of a pod. */
  delete(path: string): Promise<KubernetesObject> {
    return this.#send("DELETE", path, { gracePeriodSeconds: 0 });
  }

  #send(method: string, path: string, body?: KubernetesObject): Promise<KubernetesObject> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { authorization: `Bearer ${this.token}`, "content-type": type };
    const url = new URL(path, this.server);
    const options = { method, headers, ca: this.ca, timeout: timeoutMs, agent: false };
    return new Promise((resolve, reject) => {
      const request = requestHttps(url, options, async (response) => {
        const chunks: Buffer[] = [];
        try {
          for await (const chunk of response) chunks.push(chunk);
          resolve(parse(response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8")));
        } catch (error) {
          reject(error);
        }
      });
      request.once("timeout", () => request.destroy(new Error(`no answer to ${method} ${path}`)));
      request.once("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function parse(status: number, text: string): KubernetesObject {
  const ok = status >= 200 && status < 300;
  if (!text.startsWith("{")) {
    if (ok) return { text };
    throw new KubernetesApiError(status, text);
  }
  const object: KubernetesObject = JSON.parse(text);
  if (ok) return object;
  throw new KubernetesApiError(status, String(object.message));
}
