import type { RemoteInfo } from "node:dgram";
import { networkInterfaces } from "node:os";
import { errorText, type Logger } from "@outrigger/core";
import type { Packet } from "dns-packet";
import { isLoopback } from "./address.ts";
import { chooseInterfaces, type InterfaceChoice } from "./interfaces.ts";
import { Link } from "./link.ts";
import type { MdnsSettings } from "./options.ts";

/** What the network tells the resolver. */
export interface NetworkListener {
  onQuery(packet: Packet, from: RemoteInfo, link: Link): void;
  /** @param local whether the packet came from this machine. */
  onResponse(packet: Packet, local: boolean): void;
  /** A socket was opened: announce and ask on it. */
  onLink(link: Link): void;
}

/**
 * One socket per interface, kept in step with the machine: interfaces come and go with VPN, Wi-Fi
 * and sleep, and a membership does not survive that.
 */
export class Network {
  readonly #settings: MdnsSettings;
  readonly #listener: NetworkListener;
  readonly #log: Logger;
  readonly #links = new Map<string, Link>();
  readonly #failures = new Map<string, string>();
  #ownAddresses: ReadonlySet<string> = new Set();
  #rescanTimer: NodeJS.Timeout | undefined;
  #scan: Promise<void> | undefined;
  #lastScanAt = 0;
  #closed = false;
  #secondStartedAt = 0;
  #packetsThisSecond = 0;
  #packetsSeen = 0;

  constructor(settings: MdnsSettings, listener: NetworkListener, log: Logger) {
    this.#settings = settings;
    this.#listener = listener;
    this.#log = log;
  }

  get links(): readonly Link[] {
    return [...this.#links.values()];
  }

  get packetsSeen(): number {
    return this.#packetsSeen;
  }

  /** Opens what can be opened and goes on looking. Never rejects. */
  async open(): Promise<void> {
    await this.rescan();
    if (this.#closed || this.#rescanTimer !== undefined) return;
    this.#rescanTimer = setInterval(() => void this.rescan(), this.#settings.rescanIntervalMs);
    this.#rescanTimer.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#rescanTimer);
    await this.#scan;
    const links = this.links;
    this.#links.clear();
    await Promise.all(links.map((link) => link.close()));
  }

  /** Compares interfaces and sockets now. Calls during a scan share it. Never rejects. */
  rescan(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#scan ??= this.#rescan().finally(() => {
      this.#scan = undefined;
    });
    return this.#scan;
  }

  async query(name: string): Promise<void> {
    await Promise.all(this.links.map((link) => link.query(name)));
  }

  /** The state of the interfaces in words, for a diagnosis. */
  describe(): string {
    const open = this.links.map(({ choice, lastError }) => {
      const name = `${choice.name} (${choice.selector})`;
      return lastError === undefined ? name : `${name}, last error ${lastError.message}`;
    });
    const failed = [...this.#failures].map(([name, text]) => `${name} failed: ${text}`);
    return [...open, ...failed].join("; ") || "none";
  }

  async #rescan(): Promise<void> {
    const interfaces = networkInterfaces();
    this.#ownAddresses = new Set(
      Object.values(interfaces).flatMap((list = []) => list.map(({ address }) => address)),
    );
    const choices = chooseInterfaces(interfaces, this.#settings.interfaces);
    await this.#closeStale(choices);
    for (const key of this.#failures.keys()) {
      if (!choices.some((choice) => choice.key === key)) this.#failures.delete(key);
    }
    const missing = choices.filter(({ key }) => !this.#links.has(key));
    await Promise.all(missing.map((choice) => this.#openLink(choice)));
  }

  async #closeStale(choices: readonly InterfaceChoice[]): Promise<void> {
    const time = performance.now();
    // The machine slept, or was too busy to notice a change: memberships may be gone.
    const overslept =
      this.#lastScanAt > 0 && time - this.#lastScanAt > 6 * this.#settings.rescanIntervalMs;
    this.#lastScanAt = time;
    const stale = this.links.filter(
      (link) => overslept || link.broken || !choices.some(({ key }) => key === link.choice.key),
    );
    for (const link of stale) this.#links.delete(link.choice.key);
    await Promise.all(stale.map((link) => link.close()));
  }

  async #openLink(choice: InterfaceChoice): Promise<void> {
    try {
      const link = await Link.open(choice, this.#settings.port, {
        onQuery: (packet, from, origin) => this.#onQuery(packet, from, origin),
        onResponse: (packet, from) => this.#onResponse(packet, from),
      });
      if (this.#closed) return await link.close();
      this.#links.set(choice.key, link);
      this.#failures.delete(choice.key);
      this.#listener.onLink(link);
    } catch (reason) {
      const text = errorText(reason);
      const level = this.#failures.get(choice.key) === text ? "debug" : "warn";
      this.#failures.set(choice.key, text);
      this.#log.log(level, `mDNS cannot use interface ${choice.name}: ${text}`);
    }
  }

  #onQuery(packet: Packet, from: RemoteInfo, link: Link): void {
    if (!this.#admit()) return;
    // Linux gives a packet to every socket that joined the group anywhere. Loopback packets belong
    // to the loopback socket and others do not, or each question would be answered twice.
    if (this.#links.size > 1 && isLoopback(from.address) !== link.choice.loopback) return;
    this.#listener.onQuery(packet, from, link);
  }

  #onResponse(packet: Packet, from: RemoteInfo): void {
    if (!this.#admit()) return;
    const local = isLoopback(from.address) || this.#ownAddresses.has(from.address);
    this.#listener.onResponse(packet, local);
  }

  /** Drops what exceeds the rate, so that a flood costs decoding and nothing more. */
  #admit(): boolean {
    const time = performance.now();
    if (time - this.#secondStartedAt >= 1_000) {
      this.#secondStartedAt = time;
      this.#packetsThisSecond = 0;
    }
    this.#packetsSeen++;
    return ++this.#packetsThisSecond <= this.#settings.maxPacketsPerSecond;
  }
}
