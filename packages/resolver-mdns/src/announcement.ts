import { isIPv6 } from "node:net";
import type { Instance } from "@outrigger/core";
import type { Answer } from "dns-packet";
import { serviceName, servicesName } from "./names.ts";

/** A packet without its id: what `multicast-dns` sends as a response. */
export interface ResponseSections {
  readonly answers: Answer[];
  readonly additionals: Answer[];
}

/** Seconds; the values of Dapr. */
const serviceTtl = 3_200;
const addressTtl = 120;
/** A resolver that asks from another port keeps no cache for long (RFC 6762 section 6.7). */
const legacyTtl = 10;

/** One registration as the records that stand for it. */
export class Announcement {
  readonly instance: Instance;
  readonly service: string;
  readonly instanceName: string;
  readonly #hostName: string;

  /**
   * @param hostLabel owner of the address; one per registration, so that neither the flush bit nor
   *   the goodbye touches the addresses of other sidecars on this machine.
   */
  constructor(instance: Instance, label: string, hostLabel: string) {
    this.instance = instance;
    this.service = serviceName(instance.appId);
    this.instanceName = `${label}.${this.service}`;
    this.#hostName = `${hostLabel}.local`;
  }

  /** Everything in the answer section, as Dapr announces itself. */
  announcement(): ResponseSections {
    return { answers: this.#all(serviceTtl, addressTtl, true), additionals: [] };
  }

  /** The same records with TTL 0. */
  goodbye(): ResponseSections {
    return { answers: this.#all(0, 0, true), additionals: [] };
  }

  /** Answer to a question; `undefined` when it is about something else. Type does not matter. */
  answer(questionName: string, legacy: boolean): ResponseSections | undefined {
    const ttl = legacy ? legacyTtl : serviceTtl;
    const shortTtl = legacy ? legacyTtl : addressTtl;
    if (questionName === this.service) {
      // One packet: Dapr never joins records of several packets.
      return { answers: [this.#pointer(ttl)], additionals: this.#details(ttl, shortTtl, false) };
    }
    if (questionName === this.instanceName) {
      return { answers: this.#all(ttl, shortTtl, !legacy), additionals: [] };
    }
    if (questionName === servicesName) {
      return { answers: [this.#enumeration(ttl)], additionals: [] };
    }
    return undefined;
  }

  #all(ttl: number, shortTtl: number, flush: boolean): Answer[] {
    const [srv, txt, ...rest] = this.#details(ttl, shortTtl, flush) as [
      Answer,
      Answer,
      ...Answer[],
    ];
    return [srv, txt, this.#pointer(ttl), this.#enumeration(ttl), ...rest];
  }

  #pointer(ttl: number): Answer {
    return { type: "PTR", name: this.service, ttl, data: this.instanceName };
  }

  #enumeration(ttl: number): Answer {
    return { type: "PTR", name: servicesName, ttl, data: this.service };
  }

  /** New objects each time: the encoder changes the arrays that it is given. */
  #details(ttl: number, shortTtl: number, flush: boolean): Answer[] {
    const { appId, host, internalPort: port, namespace } = this.instance;
    const name = this.instanceName;
    const target = this.#hostName;
    return [
      { type: "SRV", name, ttl, flush, data: { priority: 0, weight: 0, port, target } },
      { type: "TXT", name, ttl, flush, data: [appId] },
      { type: isIPv6(host) ? "AAAA" : "A", name: target, ttl: shortTtl, flush, data: host },
      // Under the host's name: Dapr compares the instance's TXT, and reads nothing here.
      { type: "TXT", name: target, ttl: shortTtl, flush, data: [`ns=${namespace}`] },
    ];
  }
}
