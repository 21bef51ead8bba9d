import { testContext } from "@outrigger/conformance";
import type { Resolver } from "@outrigger/core";
import { type ResolverKubernetesOptions, resolverKubernetes } from "@outrigger/resolver-kubernetes";
import type { ClusterBinaries } from "@outrigger/test-servers";
import { TestCluster, type TestEndpoint } from "./cluster.ts";
import { CuttableLink } from "./cuttable-link.ts";
import { LogLines } from "./log-lines.ts";

/** Port of the instances that `add` makes. */
export const port = 50_002;
export const soon = { timeout: 10_000, interval: 20 };
export const signal: AbortSignal = AbortSignal.timeout(600_000);

/** Resolvers of sidecars in namespace `default` of a cluster, behind a link that can be cut. */
export class Sidecars {
  readonly kubernetes: TestCluster;
  readonly link: CuttableLink;
  /** Lines of the resolver that was started last. */
  log: LogLines = new LogLines();
  readonly #options: ResolverKubernetesOptions;
  readonly #running: Resolver[] = [];

  private constructor(
    kubernetes: TestCluster,
    link: CuttableLink,
    options: ResolverKubernetesOptions,
  ) {
    this.kubernetes = kubernetes;
    this.link = link;
    this.#options = options;
  }

  static async open(servers: ClusterBinaries): Promise<Sidecars> {
    const kubernetes = await TestCluster.start(servers);
    const link = await CuttableLink.open(Number(kubernetes.cluster.server.port));
    const account = await kubernetes.addAccount("default", ["default"]);
    const options = { ...(await kubernetes.optionsOf(account)), apiServer: link.origin };
    return new Sidecars(kubernetes, link, options);
  }

  async start(changes: ResolverKubernetesOptions = {}): Promise<Resolver> {
    this.log = new LogLines();
    const create = resolverKubernetes({ ...this.#options, maxBackoffMs: 500, ...changes });
    const resolver = create(testContext({ log: this.log }));
    this.#running.push(resolver);
    await resolver.start?.(signal);
    return resolver;
  }

  /** Ends the resolvers. */
  async stopAll(): Promise<void> {
    for (const resolver of this.#running.splice(0)) await resolver.stop?.();
  }

  async close(): Promise<void> {
    await this.link.cut();
    await this.kubernetes.stop();
  }

  /** Addresses of an app, or the message of the failure. */
  async found(resolver: Resolver, appId: string): Promise<readonly string[] | string> {
    try {
      const endpoints = await resolver.resolve({ appId, namespace: "default" }, signal);
      return endpoints.map(({ host }) => host).sort();
    } catch (error) {
      return String(error);
    }
  }

  /** Adds instances of an app; returns the path of their slice. */
  add(appId: string, ...endpoints: readonly TestEndpoint[]): Promise<string> {
    return this.kubernetes.addSlice(appId, { port, endpoints });
  }
}
