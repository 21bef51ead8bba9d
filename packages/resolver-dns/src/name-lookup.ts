import { promises as dns, type SrvRecord } from "node:dns";
import { isIP } from "node:net";
import { type Endpoint, joinHostPort } from "@outrigger/core";
import { type Address, isNobody, lookupFailure } from "./dns-answer.ts";
import type { DnsSettings } from "./options.ts";

/** SRV records and the answers of the operating system come without a TTL. */
const unknownTtlMs = 5_000;
/** Most SRV targets that are looked up for one answer. */
const maxTargets = 256;

/** Endpoints, and how long they are good for by what the records say. */
export interface NameAnswer {
  readonly endpoints: readonly Endpoint[];
  readonly ttlMs: number;
}

/** Asks for names. Holds sockets only while it asks. */
export class NameLookup {
  readonly #settings: DnsSettings;
  readonly #onSkipped: (target: string, reason: unknown) => void;
  #resolver: dns.Resolver;

  /** @param onSkipped told about an SRV target that has no usable address */
  constructor(settings: DnsSettings, onSkipped: (target: string, reason: unknown) => void) {
    this.#settings = settings;
    this.#onSkipped = onSkipped;
    this.#resolver = this.#createResolver();
  }

  /**
   * The endpoints of a name; none when a server says that there is nothing.
   * @throws OutriggerError `OTR_RESOLVE_FAILED` when that could not be learned.
   */
  async ask(name: string): Promise<NameAnswer> {
    try {
      if (this.#settings.records === "srv") return await this.#askServices(name);
      const { port = 0 } = this.#settings;
      const addresses = await this.#askAddresses(name);
      return answerOf(addresses.map((one) => ({ ...one, port })));
    } catch (cause) {
      // The servers of the operating system may be others by now: it is read when made anew.
      if (this.#settings.servers === undefined) this.#resolver = this.#createResolver();
      throw lookupFailure(name, cause);
    }
  }

  /** Ends what is asked for at the moment. */
  cancel(): void {
    this.#resolver.cancel();
  }

  #createResolver(): dns.Resolver {
    const { lookupTimeoutMs, servers } = this.#settings;
    // The second try waits twice as long as the first: both are over before the look-up is.
    const resolver = new dns.Resolver({ timeout: Math.ceil(lookupTimeoutMs / 4), tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    return resolver;
  }

  async #askServices(name: string): Promise<NameAnswer> {
    const records = lowestPriority(await noneIfNobody(this.#resolver.resolveSrv(name)));
    const targets = [...new Set(records.map((record) => record.name))].slice(0, maxTargets);
    const results = await Promise.allSettled(targets.map((target) => this.#askTarget(target)));
    const addresses = new Map<string, readonly Address[]>();
    let failure: unknown;
    for (const [index, result] of results.entries()) {
      const target = targets[index] ?? "";
      if (result.status === "fulfilled") addresses.set(target, result.value);
      else failure = result.reason;
      if (result.status === "rejected") this.#onSkipped(target, result.reason);
      else if (result.value.length === 0) this.#onSkipped(target, "it has no address");
    }
    const found = records.flatMap(({ name: target, port }) =>
      (addresses.get(target) ?? []).map((one) => ({ ...one, port })),
    );
    // Nobody is left, and that may only be because a server did not say where they are.
    if (found.length === 0 && failure !== undefined) throw failure;
    const { endpoints, ttlMs } = answerOf(found);
    return { endpoints, ttlMs: Math.min(ttlMs, unknownTtlMs) };
  }

  async #askTarget(target: string): Promise<readonly Address[]> {
    if (isIP(target) !== 0) return [{ address: target, ttlMs: unknownTtlMs }];
    return this.#askAddresses(target);
  }

  async #askAddresses(name: string): Promise<readonly Address[]> {
    const { records, family } = this.#settings;
    if (records === "system") return this.#askSystem(name);
    const withTtl = { ttl: true } as const;
    const questions = [
      ...(family === "ipv6" ? [] : [this.#resolver.resolve4(name, withTtl)]),
      ...(family === "ipv4" ? [] : [this.#resolver.resolve6(name, withTtl)]),
    ];
    const results = await Promise.allSettled(questions.map(noneIfNobody));
    const found = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
    const failed = results.find((result) => result.status === "rejected");
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    return found.map(({ address, ttl }) => ({ address, ttlMs: ttl * 1_000 }));
  }

  async #askSystem(name: string): Promise<readonly Address[]> {
    const family = { any: 0, ipv4: 4, ipv6: 6 }[this.#settings.family];
    const found = await noneIfNobody(dns.lookup(name, { all: true, family }));
    return found.map(({ address }) => ({ address, ttlMs: unknownTtlMs }));
  }
}

async function noneIfNobody<T>(question: Promise<T[]>): Promise<readonly T[]> {
  try {
    return await question;
  } catch (reason) {
    if (isNobody(reason)) return [];
    throw reason;
  }
}

/** RFC 2782: the target `.` says that there is no such service; lower numbers come first. */
function lowestPriority(records: readonly SrvRecord[]): readonly SrvRecord[] {
  const usable = records.filter(({ name, port }) => name !== "" && name !== "." && port > 0);
  const lowest = usable.reduce((least, { priority }) => Math.min(least, priority), 65_535);
  return usable.filter(({ priority }) => priority === lowest);
}

/** Blocking name servers answer with the unspecified address: nobody can be dialled there. */
const unspecified: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

function answerOf(found: readonly (Address & { readonly port: number })[]): NameAnswer {
  const endpoints = new Map<string, Endpoint>();
  let ttlMs = Number.POSITIVE_INFINITY;
  for (const { address: host, port, ttlMs: one } of found) {
    ttlMs = Math.min(ttlMs, one);
    if (!unspecified.has(host)) endpoints.set(joinHostPort(host, port), { host, port });
  }
  return { endpoints: [...endpoints.values()], ttlMs };
}
