import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import dnsPacket, { type Answer, type DecodedPacket, type Packet } from "dns-packet";

const group = "224.0.0.251";

/** One packet as it came in. */
export interface Heard {
  readonly packet: DecodedPacket;
  readonly from: RemoteInfo;
}

/** A plain socket in the mDNS group on loopback: what is on the wire, and any packet onto it. */
export class WirePeer {
  readonly heard: Heard[] = [];
  readonly #socket: Socket;
  readonly #port: number;
  readonly #waiters = new Set<() => void>();
  onQuestion: ((name: string, from: RemoteInfo) => void) | undefined;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.on("message", (bytes, from) => this.#onMessage(bytes, from));
  }

  /** @param bindPort another port makes it an asker that cannot hear multicast. */
  static async open(port: number, bindPort: number = port): Promise<WirePeer> {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(bindPort, "0.0.0.0", resolve);
    });
    if (bindPort === port) socket.addMembership(group, "127.0.0.1");
    socket.setMulticastInterface("127.0.0.1");
    return new WirePeer(socket, port);
  }

  send(packet: Packet): Promise<void> {
    return this.sendBytes(dnsPacket.encode(packet));
  }

  sendBytes(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(bytes, this.#port, group, (reason) =>
        reason ? reject(reason) : resolve(),
      );
    });
  }

  /** The first packet, heard already or soon, that fits. */
  async waitFor(fits: (heard: Heard) => boolean, withinMs = 3_000): Promise<Heard> {
    const endsAt = performance.now() + withinMs;
    for (;;) {
      const found = this.heard.find(fits);
      if (found !== undefined) return found;
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0) throw new Error(`no such packet within ${withinMs} ms`);
      await this.#nextPacket(leftMs);
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #nextPacket(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.#waiters.add(done);
    });
  }

  #onMessage(bytes: Buffer, from: RemoteInfo): void {
    const packet = decode(bytes);
    if (packet === undefined) return;
    this.heard.push({ packet, from });
    if (packet.type === "query") {
      for (const { name } of packet.questions ?? []) this.onQuestion?.(name, from);
    }
    for (const waiter of [...this.#waiters]) waiter();
  }
}

/** `undefined` for the broken packets that tests send. */
function decode(bytes: Buffer): DecodedPacket | undefined {
  try {
    return dnsPacket.decode(bytes);
  } catch {
    return undefined;
  }
}

/** An instance as Dapr's sidecar puts it on the wire. */
export interface DaprInstance {
  readonly appId: string;
  readonly host: string;
  readonly port: number;
  readonly pid?: number;
  readonly hostName?: string;
}

/** The records of recorded Dapr announcements: one shared host name, `<host>:<pid>` as the label. */
export function daprRecords(instance: DaprInstance, ttl = 3_200, flush = true): Answer[] {
  const { appId, host, port, pid = port, hostName = "dapr-host" } = instance;
  const service = `${appId}.local`;
  const name = `${hostName}:${pid}.${service}`;
  const target = `${hostName}.local`;
  return [
    { type: "SRV", name, ttl, flush, data: { priority: 0, weight: 0, port, target } },
    { type: "TXT", name, ttl, flush, data: [appId] },
    { type: "PTR", name: service, ttl, data: name },
    { type: "PTR", name: "_services._dns-sd._udp.local", ttl, data: service },
    {
      type: host.includes(":") ? "AAAA" : "A",
      name: target,
      ttl: ttl === 0 ? 0 : 120,
      flush,
      data: host,
    },
  ];
}

/** Dapr's answer to a question for the service: PTR in front, everything else in additionals. */
export function daprAnswer(instance: DaprInstance): Packet {
  const [srv, txt, ptr, , address] = daprRecords(instance, 3_200, false) as [
    Answer,
    Answer,
    Answer,
    Answer,
    Answer,
  ];
  return {
    type: "response",
    flags: dnsPacket.AUTHORITATIVE_ANSWER,
    answers: [ptr],
    additionals: [srv, txt, address],
  };
}
