import type { BaseUrl } from "./base-url.ts";
import { ExternalServer } from "./external-server.ts";
import type { EgressSettings } from "./options.ts";

/** The servers of URL targets. Callers choose them, so only those used last keep connections. */
export class UrlServers {
  readonly #settings: EgressSettings;
  readonly #servers = new Map<string, ExternalServer>();
  /** Forgotten ones whose last calls still run. */
  readonly #retiring = new Set<ExternalServer>();

  constructor(settings: EgressSettings) {
    this.#settings = settings;
  }

  serverOf(base: BaseUrl): ExternalServer {
    const known = this.#servers.get(base.origin);
    if (known !== undefined) this.#servers.delete(base.origin);
    const server =
      known ?? new ExternalServer({ base, secureContext: undefined, settings: this.#settings });
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
