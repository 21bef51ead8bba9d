import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { joinHostPort, OutriggerError } from "@outrigger/core";
import { parse } from "yaml";

/** How to reach the API server of a cluster. */
export interface ClusterAccess {
  readonly server: URL;
  readonly ca?: string | undefined;
  /** True only when a kubeconfig says so. */
  readonly insecure?: boolean;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  /** The bearer token of now: the cluster replaces the one of a service account every hour. */
  readonly token: () => Promise<string | undefined>;
}

const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Access of a pod by its service account, or else by a kubeconfig file.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when there is neither.
 */
export async function clusterAccess(
  env: Readonly<Record<string, string | undefined>>,
  kubeconfig: string,
): Promise<ClusterAccess> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (host !== undefined && host !== "" && existsSync(`${accountFolder}/token`)) {
    return {
      server: new URL(`https://${joinHostPort(host, Number(port))}`),
      ca: await readFile(`${accountFolder}/ca.crt`, "utf8"),
      token: () => readToken(`${accountFolder}/token`),
    };
  }
  try {
    return await fromKubeconfig(kubeconfig);
  } catch (cause) {
    throw new OutriggerError(`no access to the cluster: ${kubeconfig} cannot be used`, {
      code: "OTR_OPTIONS_INVALID",
      cause,
    });
  }
}

async function fromKubeconfig(path: string): Promise<ClusterAccess> {
  const file = new Fields(parse(await readFile(path, "utf8")));
  const context = file.named("contexts", file.text("current-context") ?? "").inner("context");
  const cluster = file.named("clusters", context.text("cluster") ?? "").inner("cluster");
  const user = file.named("users", context.text("user") ?? "").inner("user");
  const server = cluster.text("server");
  if (server === undefined) throw new Error("the current context has no server");
  const folder = dirname(path);
  const [ca, clientCertificate, clientKey] = await Promise.all([
    pemOf(cluster, "certificate-authority", folder),
    pemOf(user, "client-certificate", folder),
    pemOf(user, "client-key", folder),
  ]);
  const tokenFile = user.text("tokenFile");
  return {
    server: new URL(server),
    ca,
    insecure: cluster.flag("insecure-skip-tls-verify"),
    clientCertificate,
    clientKey,
    token: async () =>
      tokenFile === undefined ? user.text("token") : readToken(resolve(folder, tokenFile)),
  };
}

/** The PEM of a field: its data in base64, or the file that it names. */
async function pemOf(fields: Fields, name: string, folder: string): Promise<string | undefined> {
  const data = fields.text(`${name}-data`);
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  const path = fields.text(name);
  return path === undefined ? undefined : readFile(resolve(folder, path), "utf8");
}

async function readToken(path: string): Promise<string> {
  return (await readFile(path, "utf8")).trim();
}

/** Fields of a document from outside; what has a wrong type counts as absent. */
export class Fields {
  readonly #value: object;

  constructor(value: unknown) {
    this.#value = typeof value === "object" && value !== null ? value : {};
  }

  text(name: string): string | undefined {
    const value = this.get(name);
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  flag(name: string): boolean {
    return this.get(name) === true;
  }

  inner(name: string): Fields {
    return new Fields(this.get(name));
  }

  /** The entry of a list whose `name` is the given one. */
  named(list: string, name: string): Fields {
    const entries = this.get(list);
    if (!Array.isArray(entries)) return new Fields(undefined);
    return new Fields(entries.find((entry) => new Fields(entry).text("name") === name));
  }

  /** All fields that are text. */
  texts(): Readonly<Record<string, string>> {
    const entries = Object.entries(this.#value).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
    return Object.fromEntries(entries);
  }

  all(): object {
    return this.#value;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#value, name) ? Reflect.get(this.#value, name) : undefined;
  }
}
