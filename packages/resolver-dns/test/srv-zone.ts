import type { ResolverPeers } from "@outrigger/conformance";
import type { Instance } from "@outrigger/core";
import type { Dnsmasq } from "./dnsmasq.ts";

const zone = "apps.test";

/** The template of the names in the zone. */
export const srvName: string = `_dapr._tcp.{appid}.{namespace}.${zone}`;

/** Keeps the SRV records of instances in a name server, as a registry with a DNS side would. */
export class SrvZone implements ResolverPeers {
  readonly #server: Dnsmasq;
  #instances: readonly Instance[];

  constructor(server: Dnsmasq, instances: readonly Instance[]) {
    this.#server = server;
    this.#instances = instances;
  }

  async add(instance: Instance): Promise<void> {
    this.#instances = [...this.#instances, instance];
    await this.serve();
  }

  async remove(instance: Instance): Promise<void> {
    this.#instances = this.#instances.filter((one) => !isSame(one, instance));
    await this.serve();
  }

  async addMalformed(appId: string): Promise<void> {
    const name = nameOf({ appId, namespace: "default" });
    await this.serve([
      `srv-host=${name},nobody-there.test,23001`,
      `srv-host=${name},blocked.test,23002`,
      "host-record=blocked.test,0.0.0.0",
    ]);
  }

  /** Forgets everything. */
  clear(): void {
    this.#instances = [];
  }

  async serve(more: readonly string[] = []): Promise<void> {
    await this.#server.serve([
      "host-record=v4.test,127.0.0.1",
      "host-record=v6.test,::1",
      ...this.#instances.map(
        (one) => `srv-host=${nameOf(one)},${targetOf(one)},${one.internalPort}`,
      ),
      ...more,
    ]);
  }
}

function nameOf({ appId, namespace }: Pick<Instance, "appId" | "namespace">): string {
  return srvName.replace("{appid}", appId).replace("{namespace}", namespace);
}

/** A record cannot hold an address, only a name that has one. */
function targetOf({ host }: Instance): string {
  if (host === "127.0.0.1") return "v4.test";
  return host === "::1" ? "v6.test" : host;
}

function isSame(one: Instance, other: Instance): boolean {
  return one.appId === other.appId && one.internalPort === other.internalPort;
}
