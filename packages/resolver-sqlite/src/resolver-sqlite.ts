import {
  type ComponentContext,
  type ComponentFactory,
  createEndpointHealth,
  type Endpoint,
  EndpointCache,
  type EndpointHealth,
  type EndpointOutcome,
  errorText,
  type Instance,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
} from "@outrigger/core";
import { Cleanup } from "./cleanup.ts";
import { Database } from "./database.ts";
import { endpointOf } from "./endpoints.ts";
import type { HostRow } from "./hosts-table.ts";
import { Liveness } from "./liveness.ts";
import { optionsSchema, type ResolverSqliteOptions, type SqliteSettings } from "./options.ts";
import { Registrations } from "./registrations.ts";

/**
 * Finds sidecars of one machine through a SQLite file, and registers the own one there. The file is
 * that of Dapr's resolver: sidecars of both kinds share it.
 */
export function resolverSqlite(options: ResolverSqliteOptions): ComponentFactory<Resolver> {
  const settings = parseOptions("resolver-sqlite", optionsSchema, options);
  return (context) => new ResolverSqlite(settings, context);
}

class ResolverSqlite implements Resolver {
  readonly name = "resolver-sqlite";
  readonly features: ResolverFeatures = {
    announces: true,
    namespaces: true,
    expires: true,
    watches: false,
  };
  readonly #settings: SqliteSettings;
  readonly #context: ComponentContext;
  readonly #database: Database;
  readonly #liveness: Liveness;
  readonly #registrations: Registrations;
  readonly #cleanup: Cleanup;
  readonly #cache: EndpointCache;
  readonly #health: EndpointHealth;
  #replacedAt = Number.NEGATIVE_INFINITY;
  #away = false;
  #state: "new" | "started" | "stopped" = "new";
  #stopping: Promise<void> | undefined;

  constructor(settings: SqliteSettings, context: ComponentContext) {
    const steady = () => performance.now();
    const { log } = context;
    this.#settings = settings;
    this.#context = context;
    this.#liveness = new Liveness(context.now, steady, settings.updateIntervalMs);
    this.#database = new Database(settings, { onReplaced: () => this.#onReplaced() });
    this.#registrations = new Registrations(this.#database, this.#liveness, settings, log);
    this.#cleanup = new Cleanup(this.#database, this.#liveness, settings, log);
    this.#health = createEndpointHealth({ now: steady, retryAfterMs: settings.retryAfterMs });
    this.#cache = new EndpointCache({
      now: steady,
      freshMs: settings.freshMs,
      lookup: (request, signal) => this.#lookup(request, signal),
      onStale: (_request, reason) => this.#onStale(reason),
      onRecovered: () => this.#onRecovered(),
    });
  }

  /** Opens the file, and makes it where there is none. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkNotStopped();
    if (this.#isStarted()) return;
    await this.#database.load();
    await this.#database.use(`failed to open ${this.#settings.path}`, () => undefined, signal);
    this.#checkNotStopped();
    if (this.#isStarted()) return;
    this.#state = "started";
    this.#cleanup.start();
    if (this.#settings.path === ":memory:") {
      this.#context.log.log(
        "warn",
        "Configuring name resolution with an in-memory SQLite database. Service invocation across different apps will not work.",
      );
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    this.#checkRunning();
    try {
      const found = await this.#cache.get(withNamespace(request), signal);
      return this.#health.filter(found);
    } catch (reason) {
      throw reason instanceof Forgotten ? this.#noHost(withNamespace(request)) : reason;
    }
  }

  async announce(instance: Instance, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    await this.#registrations.add(instance, signal);
    this.#cache.expire(withNamespace(instance));
  }

  async withdraw(): Promise<void> {
    await this.#registrations.withdraw();
    this.#cache.expireAll();
  }

  report(request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
    // It may have started again at another port, which is in the file by now.
    if (outcome === "unreachable") this.#cache.expire(withNamespace(request));
  }

  async #stop(): Promise<void> {
    const opened = this.#state === "started";
    this.#state = "stopped";
    this.#cleanup.close();
    this.#cache.close(stopped());
    if (opened) await this.#registrations.close();
    this.#database.close();
  }

  async #lookup(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    const { appId, namespace } = request;
    const rows = await this.#database.use(
      "failed to look up address",
      (table) => table.find(appId, namespace, this.#liveness.oldestSeconds()),
      signal,
    );
    const alive = this.#liveness.test();
    const endpoints = rows
      .filter(({ lastUpdate }) => alive(lastUpdate))
      .map((row) => this.#endpointOf(row, appId))
      .filter((endpoint) => endpoint !== undefined);
    if (endpoints.length > 0) return endpoints;
    // Everybody is about to register again: until then, what was known is better than nothing.
    const replacedForMs = performance.now() - this.#replacedAt;
    if (replacedForMs < this.#settings.updateIntervalMs) throw new Forgotten();
    throw this.#noHost(request);
  }

  #endpointOf(row: HostRow, appId: string): Endpoint | undefined {
    const endpoint = endpointOf(row);
    if (endpoint === undefined) {
      const address = JSON.stringify(row.address);
      this.#context.log.log("debug", `resolver-sqlite: skipped ${appId} at ${address}`);
    }
    return endpoint;
  }

  #noHost({ appId, namespace }: ResolveRequest): OutriggerError {
    return new OutriggerError(`no host found with the given ID: ${appId}`, {
      code: "OTR_RESOLVE_NOT_FOUND",
      details: { appId, namespace, path: this.#settings.path },
    });
  }

  #onReplaced(): void {
    this.#replacedAt = performance.now();
    this.#cache.expireAll();
    this.#registrations.renewSoon();
    this.#context.log.log("warn", `resolver-sqlite: ${this.#settings.path} was replaced`);
  }

  #onStale(reason: unknown): void {
    if (this.#away) return;
    this.#away = true;
    this.#context.log.log(
      "warn",
      `resolver-sqlite: calls go on to the last known endpoints: ${errorText(reason)}`,
    );
  }

  #onRecovered(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#context.log.log("info", `resolver-sqlite: ${this.#settings.path} answers again`);
  }

  #isStarted(): boolean {
    return this.#state === "started";
  }

  #checkRunning(): void {
    this.#checkNotStopped();
    if (this.#state === "new") {
      throw new OutriggerError("resolver-sqlite is not started", { code: "OTR_NOT_STARTED" });
    }
  }

  #checkNotStopped(): void {
    if (this.#state === "stopped") throw stopped();
  }
}

/** The file is a new one, and the app is not in it yet. */
class Forgotten extends Error {
  override readonly message = "the file was replaced, and its sidecars are not in it yet";
}

function withNamespace({ appId, namespace }: ResolveRequest): ResolveRequest {
  return { appId, namespace: namespace || "default" };
}

function stopped(): OutriggerError {
  return new OutriggerError("resolver-sqlite is stopped", { code: "OTR_STOPPED" });
}
