import type { RemoteInfo } from "node:dgram";
import type { Packet } from "dns-packet";
import makeMdns from "multicast-dns";
import type { ResponseSections } from "./announcement.ts";
import type { InterfaceChoice } from "./interfaces.ts";

/** Where packets of a link go. */
export interface LinkListener {
  onQuery(packet: Packet, from: RemoteInfo, link: Link): void;
  onResponse(packet: Packet, from: RemoteInfo): void;
}

/** Address and port of one asker, with what its reply must repeat. */
export interface LegacyReply {
  readonly to: RemoteInfo;
  readonly id: number;
  readonly question: NonNullable<Packet["questions"]>[number];
}

/** Groups of RFC 6762 section 3. */
const groups = { udp4: "224.0.0.251", udp6: "ff02::fb" } as const;
const openTimeoutMs = 2_000;
const sendTimeoutMs = 500;
/** A socket that fails this often in a row is made anew: its interface has gone or changed. */
const maxFailures = 3;

/** One multicast socket on one interface. Sending never rejects; failures are counted. */
export class Link {
  readonly choice: InterfaceChoice;
  readonly #mdns: makeMdns.MulticastDNS;
  #failuresInARow = 0;
  #lastError: Error | undefined;
  #joined = false;

  private constructor(choice: InterfaceChoice, port: number) {
    this.choice = choice;
    this.#mdns = makeMdns({
      port,
      type: choice.family,
      ip: groups[choice.family],
      interface: choice.selector,
      // Bound to the interface's own address, Linux would deliver no multicast at all.
      bind: choice.family === "udp4" ? "0.0.0.0" : "::",
    });
  }

  /** Opens the socket and joins the group. @throws what the operating system says. */
  static async open(choice: InterfaceChoice, port: number, listener: LinkListener): Promise<Link> {
    const link = new Link(choice, port);
    try {
      await link.#ready();
    } catch (reason) {
      await link.close();
      throw reason;
    }
    link.#mdns.on("query", (packet, from) => listener.onQuery(packet, from, link));
    link.#mdns.on("response", (packet, from) => listener.onResponse(packet, from));
    return link;
  }

  get broken(): boolean {
    return this.#failuresInARow >= maxFailures;
  }

  get lastError(): Error | undefined {
    return this.#lastError;
  }

  query(name: string): Promise<void> {
    return this.#sending((done) => {
      this.#mdns.query({ questions: [{ name, type: "PTR" }] }, done);
    });
  }

  respond(sections: ResponseSections): Promise<void> {
    return this.#sending((done) => this.#mdns.respond({ ...sections }, done));
  }

  /** Answers one asker directly, in the form of a conventional DNS reply (RFC 6762 section 6.7). */
  reply(sections: ResponseSections, { to, id, question }: LegacyReply): Promise<void> {
    const target = { address: to.address, port: to.port };
    return this.#sending((done) => {
      this.#mdns.respond({ ...sections, id, questions: [question] }, target, done);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      // Bounded: a socket that never opened does not always confirm its end.
      const timer = setTimeout(resolve, sendTimeoutMs);
      try {
        this.#mdns.destroy(() => {
          clearTimeout(timer);
          resolve();
        });
      } catch {
        // Closing a socket that failed to open throws; there is nothing left to release.
        clearTimeout(timer);
        resolve();
      }
    });
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (reason: Error) => {
        clearTimeout(timer);
        reject(reason);
      };
      const timer = setTimeout(
        () => fail(new Error(`socket on ${this.choice.name} did not open in time`)),
        openTimeoutMs,
      );
      // Stays attached for the life of the socket: the library reports one failure twice.
      this.#mdns.on("error", (reason) => {
        this.#lastError = reason;
        fail(reason);
      });
      this.#mdns.on("warning", (reason) => {
        this.#lastError = reason;
      });
      // Joining precedes "ready" and reports failure only as a warning.
      this.#mdns.on("networkInterface", () => {
        this.#joined = true;
      });
      this.#mdns.once("ready", () => {
        if (!this.#joined) {
          return fail(this.#lastError ?? new Error(`cannot join the group on ${this.choice.name}`));
        }
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #sending(send: (done: (reason: Error | null | undefined) => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, sendTimeoutMs);
      send((reason) => {
        clearTimeout(timer);
        if (reason) this.#lastError = reason;
        this.#failuresInARow = reason ? this.#failuresInARow + 1 : 0;
        resolve();
      });
    });
  }
}
