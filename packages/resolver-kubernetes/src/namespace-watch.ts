import { type ComponentContext, OutriggerError, unlessAborted } from "@outrigger/core";
import { ApiFailure } from "./api-request.ts";
import { Backoff } from "./backoff.ts";
import type { Slice } from "./endpoint-slice.ts";
import type { KubernetesSettings } from "./options.ts";
import { listSlices, type SliceEvent, watchSlices } from "./slice-api.ts";
import { SliceStore } from "./slice-store.ts";
import { withTimeLimit } from "./time-limit.ts";

const listLimitMs = 30_000;
const openLimitMs = 10_000;
/** A watch that the server should have ended by now is dead. */
const watchLimitMs = 300_000;
const maxProblems = 1_024;

/**
 * Keeps the EndpointSlices of one namespace in memory: a list, then a watch that goes on where the
 * last one ended. One watch serves all apps, so that a thousand of them need one connection, and
 * calls to unknown apps cost the API server nothing.
 */
export class NamespaceWatch {
  readonly namespace: string;
  readonly store: SliceStore;
  readonly #settings: KubernetesSettings;
  readonly #context: ComponentContext;
  readonly #backoff: Backoff;
  readonly #ended = new AbortController();
  /** Slices that were complained about, so that this happens once. */
  readonly #problems = new Set<string>();
  #version: string | undefined;
  #synced = false;
  #failure: unknown;
  #outcome: Promise<void>;
  #tellOutcome: () => void = () => undefined;

  constructor(namespace: string, settings: KubernetesSettings, context: ComponentContext) {
    this.namespace = namespace;
    this.#settings = settings;
    this.#context = context;
    this.#backoff = new Backoff(settings.maxBackoffMs, context.random);
    this.store = new SliceStore(namespace, settings.zone, (reason) =>
      this.#log("warn", `a listener to endpoints of namespace ${namespace} failed: ${reason}`),
    );
    this.#outcome = this.#nextOutcome();
    void this.#run(this.#ended.signal);
  }

  /** Whether there was ever a whole list: then what is not in memory does not exist. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Why the API server does not answer now; undefined while it does. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Waits for the first list.
   * @throws OutriggerError `OTR_RESOLVE_FAILED` when the API server could not be asked just now.
   */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#synced) return;
    if (this.#backoff.pausing && !this.#backoff.wake()) throw this.unreadable();
    await unlessAborted(this.#outcome, signal);
    if (!this.#synced) throw this.unreadable();
  }

  stop(): void {
    this.#ended.abort(
      new OutriggerError("resolver-kubernetes is stopped", { code: "OTR_STOPPED" }),
    );
    this.#backoff.wake(0);
  }

  async #run(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      let opened = false;
      try {
        if (this.#version === undefined) await this.#list(ended);
        await this.#follow(ended, () => {
          opened = true;
          this.#succeed();
        });
      } catch (reason) {
        if (ended.aborted) break;
        if (isUnknownVersion(reason)) this.#version = undefined;
        // A watch that breaks off says nothing about the server: whether it is away shows next.
        if (!opened && !isUnknownVersion(reason)) this.#fail(reason);
      }
      if (!ended.aborted) await this.#backoff.pause();
    }
    this.#failure = ended.reason;
    this.#tellOutcome();
  }

  async #list(ended: AbortSignal): Promise<void> {
    const { slices, resourceVersion } = await withTimeLimit(listLimitMs, [ended], (limit) =>
      listSlices(this.#settings, this.namespace, limit.signal),
    );
    ended.throwIfAborted();
    this.store.replaceAll(slices);
    for (const slice of slices) this.#complain(slice);
    this.#version = resourceVersion;
    this.#synced = true;
    this.#tell();
  }

  async #follow(ended: AbortSignal, onOpen: () => void): Promise<void> {
    const version = this.#version ?? "";
    await withTimeLimit(openLimitMs, [ended], async (limit) => {
      const events = watchSlices(this.#settings, this.namespace, version, limit.signal);
      for await (const event of events) {
        if (event.type === "open") {
          limit.extend(watchLimitMs);
          onOpen();
        } else {
          this.#apply(event);
        }
      }
    });
  }

  #apply(event: Exclude<SliceEvent, { type: "open" }>): void {
    if (event.type === "put") {
      this.store.put(event.slice);
      this.#complain(event.slice);
    } else if (event.type === "remove") {
      this.store.remove(event.name);
      this.#problems.delete(event.name);
    }
    if (event.resourceVersion !== "") this.#version = event.resourceVersion;
  }

  #succeed(): void {
    this.#backoff.reset();
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#log(
      "info",
      `the API server answers: EndpointSlices of namespace ${this.namespace} are watched`,
    );
  }

  #fail(reason: unknown): void {
    const first = this.#failure === undefined;
    this.#failure = reason;
    this.#tell();
    if (!first) return;
    const { message } = this.unreadable();
    this.#log("warn", this.#synced ? `${message}; using the last known endpoints` : message);
  }

  /** The failure in words, with what to do. */
  unreadable(): OutriggerError {
    const { namespace } = this;
    const reason = this.#failure;
    const why = reason instanceof Error ? reason.message : String(reason);
    const advice =
      reason instanceof ApiFailure && reason.denied
        ? `; the service account needs a Role with get, list and watch of endpointslices (discovery.k8s.io) in namespace ${namespace}`
        : "";
    return new OutriggerError(
      `cannot read the EndpointSlices of namespace ${namespace}: ${why}${advice}`,
      { code: "OTR_RESOLVE_FAILED", cause: reason, details: { namespace } },
    );
  }

  #complain({ name, service, problem }: Slice): void {
    if (problem === undefined || !service.endsWith("-dapr") || this.#problems.has(name)) return;
    if (this.#problems.size >= maxProblems) this.#problems.clear();
    this.#problems.add(name);
    this.#log("warn", `EndpointSlice ${this.namespace}/${name} is left out: ${problem}`);
  }

  #log(level: "info" | "warn", message: string): void {
    this.#context.log.log(level, message);
  }

  #tell(): void {
    const tell = this.#tellOutcome;
    this.#outcome = this.#nextOutcome();
    tell();
  }

  #nextOutcome(): Promise<void> {
    return new Promise((resolve) => {
      this.#tellOutcome = resolve;
    });
  }
}

/**
 * The version of the watch is too old (410), or newer than all that a restored cluster knows (504):
 * everything is read again. After other errors the watch goes on, which costs the server less.
 */
function isUnknownVersion(reason: unknown): boolean {
  return reason instanceof ApiFailure && (reason.status === 410 || reason.status === 504);
}
