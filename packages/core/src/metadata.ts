import type { AppProtocol } from "./app-channel.ts";
import { OutriggerError } from "./errors.ts";

/** How the sidecar reaches its app, as the metadata route tells it. */
export interface AppConnection {
  /** 0 when the sidecar has no app. */
  readonly port: number;
  readonly protocol: AppProtocol;
  readonly channelAddress: string;
  /** 0 = unlimited. */
  readonly maxConcurrency: number;
  readonly health?: {
    /** Only for the HTTP protocols. */
    readonly path?: string;
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly threshold: number;
  };
}

/** A loaded component, as the metadata route lists it. */
export interface ComponentDescription {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly capabilities: readonly string[];
}

/** The facts of a sidecar that do not change while it runs, unless components do. */
export interface SidecarDescription {
  /** Dapr-compatible version, `N.N.N`. */
  readonly runtimeVersion: string;
  readonly enabledFeatures: readonly string[];
  readonly components: readonly ComponentDescription[];
  readonly httpEndpoints: readonly string[];
  readonly resiliencies: readonly string[];
  readonly appConnection: AppConnection;
}

/** Everything that the metadata routes answer. */
export interface MetadataSnapshot extends SidecarDescription {
  readonly id: string;
  readonly extended: Readonly<Record<string, string>>;
  /** False while the app is awaited: Dapr tells its actor runtime as INITIALIZING then. */
  readonly initialized: boolean;
}

/** Metadata as the metadata routes tell it. */
export interface MetadataView {
  snapshot(): MetadataSnapshot;
  /**
   * Sets an extended attribute. An empty key is ignored, as Dapr does.
   * @throws OutriggerError `OTR_OPTIONS_INVALID` when too many attributes are set.
   */
  set(key: string, value: string): void;
}

/** Bound on attributes that clients can set, so that a hostile one cannot grow the process. */
const maxExtendedAttributes = 1_024;

/** Holds what `PUT /v1.0/metadata/{key}` sets beside the fixed description. */
export class MetadataStore implements MetadataView {
  readonly #id: string;
  readonly #description: SidecarDescription;
  readonly #components: () => readonly ComponentDescription[];
  readonly #extended = new Map<string, string>();
  #initialized = false;

  /** @param components lists the components at this moment. Default: those of the description. */
  constructor(
    id: string,
    description: SidecarDescription,
    components: () => readonly ComponentDescription[] = () => description.components,
  ) {
    this.#id = id;
    this.#description = description;
    this.#components = components;
  }

  snapshot(): MetadataSnapshot {
    const extended = Object.fromEntries(this.#extended);
    extended.daprRuntimeVersion = this.#description.runtimeVersion;
    return {
      ...this.#description,
      id: this.#id,
      components: this.#components(),
      extended,
      initialized: this.#initialized,
    };
  }

  set(key: string, value: string): void {
    if (key === "") return;
    if (!this.#extended.has(key) && this.#extended.size >= maxExtendedAttributes) {
      throw new OutriggerError(`metadata holds ${maxExtendedAttributes} attributes already`, {
        code: "OTR_OPTIONS_INVALID",
        details: { key },
      });
    }
    this.#extended.set(key, value);
  }

  markInitialized(): void {
    this.#initialized = true;
  }
}
