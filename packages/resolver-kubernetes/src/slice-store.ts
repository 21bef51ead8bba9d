import type { Endpoint } from "@outrigger/core";
import type { Slice } from "./endpoint-slice.ts";
import { mergeSlices, type ServiceEndpoints } from "./service-endpoints.ts";

/** Called with the preferred endpoints of a Service. */
export type ServiceListener = (endpoints: readonly Endpoint[]) => void;

/** The slices of one namespace, as endpoints of Services. */
export class SliceStore {
  readonly #namespace: string;
  readonly #zone: string | undefined;
  readonly #onListenerFailure: (reason: unknown) => void;
  readonly #slices = new Map<string, Map<string, Slice>>();
  /** Service of each slice: a slice may change its label. */
  readonly #owners = new Map<string, string>();
  readonly #merged = new Map<string, ServiceEndpoints>();
  readonly #listeners = new Map<string, Set<ServiceListener>>();

  constructor(
    namespace: string,
    zone: string | undefined,
    onListenerFailure: (reason: unknown) => void,
  ) {
    this.#onListenerFailure = onListenerFailure;
    this.#namespace = namespace;
    this.#zone = zone;
  }

  /** The endpoints of a Service; undefined when it has none. */
  get(service: string): ServiceEndpoints | undefined {
    return this.#merged.get(service);
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  put(slice: Slice): void {
    const { name, service } = slice;
    const owner = this.#owners.get(name);
    if (owner !== undefined && owner !== service) this.remove(name);
    this.#owners.set(name, service);
    const slices = this.#slices.get(service) ?? new Map<string, Slice>();
    slices.set(name, slice);
    this.#slices.set(service, slices);
    this.#merge(service);
  }

  remove(name: string): void {
    const service = this.#owners.get(name);
    if (service === undefined) return;
    this.#owners.delete(name);
    const slices = this.#slices.get(service);
    slices?.delete(name);
    if (slices?.size === 0) this.#slices.delete(service);
    this.#merge(service);
  }

  /** Takes over a whole list: what is not in it is gone. */
  replaceAll(slices: readonly Slice[]): void {
    const names = new Set(slices.map(({ name }) => name));
    for (const slice of slices) this.put(slice);
    for (const name of [...this.#owners.keys()]) {
      if (!names.has(name)) this.remove(name);
    }
  }

  /** Returns the function that ends the calls. */
  listen(service: string, listener: ServiceListener): () => void {
    const listeners = this.#listeners.get(service) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(service, listeners);
    const known = this.get(service);
    if (known !== undefined) this.#call(listener, known.preferred);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(service);
    };
  }

  #merge(service: string): void {
    const slices = this.#slices.get(service)?.values() ?? [];
    const merged = mergeSlices(slices, this.#namespace, this.#zone);
    if (merged.all.length === 0) this.#merged.delete(service);
    else this.#merged.set(service, merged);
    for (const listener of this.#listeners.get(service) ?? []) {
      this.#call(listener, merged.preferred);
    }
  }

  /** A listener that throws must not end the watch of everybody. */
  #call(listener: ServiceListener, endpoints: readonly Endpoint[]): void {
    try {
      listener(endpoints);
    } catch (reason) {
      this.#onListenerFailure(reason);
    }
  }
}
