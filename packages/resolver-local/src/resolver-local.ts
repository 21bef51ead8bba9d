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
  isOutriggerError,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
  unlessAborted,
} from "@outrigger/core";
import { checkedInstance } from "./checked-instance.ts";
import { type LocalSettings, optionsSchema, type ResolverLocalOptions } from "./options.ts";
import { Registry } from "./registry.ts";

export type { ResolverLocalOptions } from "./options.ts";

/**
 * Finds the sidecars of the same user on the same machine through files: needs no network, no
 * multicast, no server.
 */
export function resolverLocal(options: ResolverLocalOptions = {}): ComponentFactory<Resolver> {
  const settings = parseOptions("resolver-local", optionsSchema, options);
  return (context) => new ResolverLocal(settings, context);
}

class ResolverLocal implements Resolver {
  readonly name = "resolver-local";
  readonly features: ResolverFeatures = {
    announces: true,
    namespaces: true,
    expires: true,
    watches: false,
  };
  readonly #settings: LocalSettings;
  readonly #context: ComponentContext;
  readonly #cache: EndpointCache;
  readonly #health: EndpointHealth;
  /** Path of the file by `appId:port:host`; empty while it is being written. */
  readonly #announced = new Map<string, { readonly instance: Instance; path: string }>();
  /** When the folder was last looked at for an app. */
  readonly #lookedAt = new Map<string, number>();
  #registry: Promise<Registry> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #beating = false;
  #stopped = false;

  constructor(settings: LocalSettings, context: ComponentContext) {
    this.#settings = settings;
    this.#context = context;
    const now = () => performance.now();
    this.#health = createEndpointHealth({ now, retryAfterMs: settings.retryAfterMs });
    this.#cache = new EndpointCache({
      lookup: (request) => this.#lookup(request),
      now,
      freshMs: settings.freshMs,
      maxApps: settings.maxFiles,
      onStale: ({ appId }, reason) =>
        context.log.log(
          "warn",
          `local registry cannot be read, calls to ${appId} go on with the last known endpoints: ${errorText(reason)}`,
        ),
      onRecovered: ({ appId }) =>
        context.log.log("info", `local registry can be read again, it knows ${appId}`),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    await unlessAborted(this.#open(), signal);
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    this.#checkRunning();
    const { appId } = request;
    const namespace = request.namespace || "default";
    const endpoints = await this.#cache.get({ appId, namespace }, signal);
    this.#refreshWhenDue({ appId, namespace });
    return this.#health.filter(endpoints);
  }

  async announce(instance: Instance, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    const own = checkedInstance(instance);
    const { appId, host, internalPort: port, namespace } = own;
    const key = `${appId}:${port}:${host}`;
    if (this.#announced.has(key)) {
      throw new OutriggerError(`app id ${appId} already registered for port ${port}`, {
        code: "OTR_OPTIONS_INVALID",
        details: { appId, port },
      });
    }
    const entry = { instance: own, path: "" };
    this.#announced.set(key, entry);
    try {
      const registry = await this.#open();
      const path = await registry.add(own);
      if (signal.aborted || this.#stopped || this.#announced.get(key) !== entry) {
        await registry.remove(path);
        signal.throwIfAborted();
        throw stopped();
      }
      entry.path = path;
      this.#cache.expire({ appId, namespace });
      this.#beat();
      void registry.sweep();
      this.#context.log.log("debug", `announced ${appId} -> ${host}:${port} in ${registry.folder}`);
    } catch (reason) {
      if (this.#announced.get(key) === entry) this.#announced.delete(key);
      throw failure(reason, "the own instance could not be written");
    }
  }

  async withdraw(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    const entries = [...this.#announced.values()];
    this.#announced.clear();
    if (entries.length === 0) return;
    const registry = await this.#open();
    await Promise.all(entries.map(({ path }) => (path === "" ? undefined : registry.remove(path))));
    this.#cache.expireAll();
  }

  report(_request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cache.close(stopped());
    await this.withdraw().catch(() => undefined);
  }

  /** Instances come and go without a word to the others, and a call need not wait for the disk. */
  #refreshWhenDue(request: ResolveRequest): void {
    const lookedAt = this.#lookedAt.get(keyOf(request)) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - lookedAt < this.#settings.refreshMs) return;
    this.#lookup(request).then(
      (endpoints) => this.#cache.put(request, endpoints),
      // The next call looks for itself, and says what is wrong.
      () => this.#cache.expire(request),
    );
  }

  async #lookup(request: ResolveRequest): Promise<readonly Endpoint[]> {
    if (this.#lookedAt.size >= this.#settings.maxFiles) this.#lookedAt.clear();
    this.#lookedAt.set(keyOf(request), performance.now());
    const registry = await this.#open();
    let found: readonly Endpoint[];
    try {
      found = await registry.find(request);
    } catch (reason) {
      throw failure(reason, "the registry could not be read");
    }
    if (found.length > 0) return found;
    throw new OutriggerError(`couldn't find service: ${request.appId}`, {
      code: "OTR_RESOLVE_NOT_FOUND",
      details: { ...request, folder: registry.folder },
    });
  }

  #open(): Promise<Registry> {
    if (this.#registry === undefined) {
      const opening = Registry.open(this.#settings, this.#context.log);
      this.#registry = opening;
      // The folder may be put right, so that the next one can open it.
      opening.catch(() => {
        this.#registry = undefined;
      });
    }
    return this.#registry;
  }

  #beat(): void {
    if (this.#heartbeat !== undefined) return;
    this.#heartbeat = setInterval(() => void this.#touchAll(), this.#settings.heartbeatMs);
    this.#heartbeat.unref();
  }

  async #touchAll(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    try {
      const registry = await this.#open();
      for (const [key, entry] of this.#announced) {
        if (entry.path === "") continue;
        const outcome = await registry.touch(entry.path, entry.instance);
        // Withdrawn while it was being written again: it must not come back.
        if (this.#announced.get(key) !== entry) await registry.remove(entry.path);
        else if (outcome === "rewritten") {
          this.#context.log.log("warn", `local registry: ${entry.path} was gone, written again`);
        }
      }
    } catch (reason) {
      this.#context.log.log("debug", `local registry: no heartbeat: ${errorText(reason)}`);
    } finally {
      this.#beating = false;
    }
  }

  #checkRunning(): void {
    if (this.#stopped) throw stopped();
  }
}

function keyOf({ namespace, appId }: ResolveRequest): string {
  return `${namespace}/${appId}`;
}

/** Errors of the file system become errors of the contract. */
function failure(reason: unknown, what: string): unknown {
  if (isOutriggerError(reason) || !(reason instanceof Error && "code" in reason)) return reason;
  return new OutriggerError(`${what}: ${errorText(reason)}`, {
    code: "OTR_RESOLVE_FAILED",
    cause: reason,
  });
}

function stopped(): OutriggerError {
  return new OutriggerError("resolver-local is stopped", { code: "OTR_STOPPED" });
}
