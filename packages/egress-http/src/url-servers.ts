import type { SecureContext } from "node:tls";
import type { BaseUrl } from "./base-url.ts";
import { ExternalServer } from "./external-server.ts";
import type { EgressSettings } from "./options.ts";

/** Servers that callers or redirects choose, so only those used last keep connections. */
export class UrlServers {
  readonly #settings: EgressSettings;
  readonly #secureContextOf: (base: BaseUrl) => SecureContext | undefined;
  readonly #servers = new Map<string, ExternalServer>();
  /** Forgotten ones whose last calls still run. */
  readonly #retiring = new Set<ExternalServer>();

  /** @param secureContextOf the TLS material for a server. */
  constructor(
    settings: EgressSettings,
    secureContextOf: (base: BaseUrl) => SecureContext | undefined,
  ) {
    this.#settings = settings;
    this.#secureContextOf = secureContextOf;
  }

  serverOf(base: BaseUrl): ExternalServer {
    const known = this.#servers.get(base.origin);
    if (known !== undefined) this.#servers.delete(base.origin);
    const server = known ?? this.#make(base);
    // The map's order is the order of use.
    this.#servers.set(base.origin, server);
    if (this.#servers.size > this.#settings.maxUrlOrigins) this.#forgetOldest();
    return server;
  }

  async close(): Promise<void> {
    const servers = [...this.#servers.values(), ...this.#retiring];
    this.#servers.clear();
    await Promise.all(servers.map((server) => server.close()));
  }

  #make(base: BaseUrl): ExternalServer {
    const secureContext = base.scheme === "https" ? this.#secureContextOf(base) : undefined;
    return new ExternalServer({ base, secureContext, settings: this.#settings });
  }

  #forgetOldest(): void {
    for (const [origin, server] of this.#servers) {
      this.#servers.delete(origin);
      this.#retiring.add(server);
      const end = (): void => {
        this.#retiring.delete(server);
      };
      server.retire().then(end, end);
      return;
    }
  }
}
