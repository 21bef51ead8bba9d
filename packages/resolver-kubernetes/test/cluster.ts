import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResolverKubernetesOptions } from "@outrigger/resolver-kubernetes";
import {
  type Account,
  allow,
  type ClusterBinaries,
  createNamespace,
  type KubernetesApi,
  KubernetesCluster,
  type KubernetesObject,
  requestToken,
} from "@outrigger/test-servers";

/** Exactly what the README asks for. */
const rule = {
  group: "discovery.k8s.io",
  resource: "endpointslices",
  verbs: ["get", "list", "watch"],
};

/** One address in an EndpointSlice. */
export interface TestEndpoint {
  readonly address: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
  readonly zone?: string;
  readonly forZones?: readonly string[];
  readonly uid?: string;
}

/** What a test puts into an EndpointSlice; the controllers that would do so do not run. */
export interface TestSlice {
  readonly namespace?: string;
  readonly port?: number;
  readonly portName?: string;
  readonly addressType?: "IPv4" | "IPv6" | "FQDN";
  readonly endpoints: readonly TestEndpoint[];
}

/** A cluster with service accounts that sidecars run as. */
export class TestCluster {
  readonly cluster: KubernetesCluster;
  readonly admin: KubernetesApi;
  readonly #folders: string[] = [];
  #count = 0;

  private constructor(cluster: KubernetesCluster) {
    this.cluster = cluster;
    this.admin = cluster.api();
  }

  static async start(servers: ClusterBinaries): Promise<TestCluster> {
    return new TestCluster(await KubernetesCluster.start(servers));
  }

  async stop(): Promise<void> {
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
    await this.cluster.stop();
  }

  async addNamespace(name: string): Promise<void> {
    await createNamespace(this.admin, name);
  }

  /** A service account that may read the slices of the given namespaces, and nothing else. */
  async addAccount(namespace: string, readable: readonly string[]): Promise<Account> {
    const account = { namespace, name: `sidecar-${this.#count++}` };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await this.admin.create(path, { metadata: { name: account.name } });
    for (const target of readable) await this.allow(account, target);
    return account;
  }

  async allow(account: Account, namespace: string): Promise<void> {
    await allow(this.admin, account, `${account.name}-endpoints`, [rule], namespace);
  }

  /** Folder as Kubernetes mounts it into the pods of an account. */
  async mount(account: Account): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-account-"));
    this.#folders.push(folder);
    writeFileSync(join(folder, "ca.crt"), this.cluster.ca);
    writeFileSync(join(folder, "token"), await requestToken(this.admin, account));
    return folder;
  }

  /** Options of a sidecar that runs as the account. */
  async optionsOf(account: Account): Promise<ResolverKubernetesOptions> {
    return {
      mode: "endpointSlices",
      apiServer: this.cluster.server.origin,
      serviceAccountFolder: await this.mount(account),
    };
  }

  /** Returns the path of the slice. */
  async addSlice(appId: string, slice: TestSlice): Promise<string> {
    const collection = collectionOf(slice.namespace);
    const name = `slice-${this.#count++}`;
    await this.admin.create(collection, sliceObject(name, appId, slice));
    return `${collection}/${name}`;
  }

  async replaceSlice(path: string, appId: string, slice: TestSlice): Promise<void> {
    await this.admin.replace(path, sliceObject(path.split("/").at(-1) ?? "", appId, slice));
  }

  async remove(path: string): Promise<void> {
    await this.admin.delete(path);
  }
}

export function collectionOf(namespace = "default"): string {
  return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
}

function sliceObject(name: string, appId: string, slice: TestSlice): KubernetesObject {
  const { port, portName = "dapr-internal", addressType = "IPv4" } = slice;
  const internal = port === undefined ? [] : [{ name: portName, protocol: "TCP", port }];
  return {
    metadata: { name, labels: { "kubernetes.io/service-name": `${appId}-dapr` } },
    addressType,
    endpoints: slice.endpoints.map(({ address, ready = true, terminating = false, ...rest }) => ({
      addresses: [address],
      conditions: { ready, serving: ready || terminating, terminating },
      ...(rest.zone === undefined ? {} : { zone: rest.zone }),
      ...(rest.forZones && { hints: { forZones: rest.forZones.map((one) => ({ name: one })) } }),
      ...(rest.uid && { targetRef: { kind: "Pod", name: rest.uid, uid: rest.uid } }),
    })),
    // Sidecars have more ports, which must never be taken for the internal one.
    ports: [...internal, { name: "dapr-grpc", protocol: "TCP", port: 50_001 }],
  };
}
