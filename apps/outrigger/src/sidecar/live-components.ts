import {
  type ComponentContext,
  type ComponentDescription,
  errorText,
  type Logger,
  OutriggerError,
} from "@outrigger/core";
import type { Metrics } from "@outrigger/metrics-prometheus";
import {
  type ComponentDocument,
  type Configuration,
  componentValues,
  type HttpEndpointDocument,
  type MetadataSources,
} from "@outrigger/resources";
import type { Environment } from "../flags/validate-options.ts";
import { categoryOf } from "../middleware/component-category.ts";
import {
  type LoadedMiddleware,
  MiddlewareComponents,
} from "../middleware/middleware-components.ts";
import { LocalSecrets, localStoreTypes } from "../secrets/local-secrets.ts";
import {
  changedNames,
  isDenied,
  isSameDocument,
  labelOf,
  needsStore,
} from "./component-documents.ts";
import type { SidecarResources } from "./read-resources.ts";

/** What became of a Component document. */
interface Entry {
  readonly document: ComponentDocument;
  /** `none`: it is of no use to this sidecar, or it failed and may. */
  readonly use: "store" | "middleware" | "none";
  readonly middleware?: LoadedMiddleware;
}

/** Entries of one reading of the files, and the secrets that they were made with. */
interface Staged {
  readonly entries: readonly Entry[];
  readonly secrets: LocalSecrets;
}

/** What became of changed documents. */
export type ComponentsOutcome =
  | { readonly kind: "applied" }
  /** Everything is as before, and why. */
  | { readonly kind: "refused"; readonly problem: string }
  /** Everything is as before, and the changes need another life of the runtime. */
  | { readonly kind: "restart"; readonly reason: string };

/** What components work with. */
export interface LiveComponentsParts {
  readonly context: ComponentContext;
  readonly env: Environment;
  /** `undefined`: nothing is measured. */
  readonly metrics?: Metrics | undefined;
}

/** The components of a sidecar, which change while it serves. */
export class LiveComponents {
  readonly middleware: MiddlewareComponents;
  readonly #configuration: Configuration;
  readonly #parts: LiveComponentsParts;
  readonly #log: Logger;
  readonly #reloadLog: Logger;
  #current: Staged;

  constructor(configuration: Configuration, parts: LiveComponentsParts) {
    const { log } = parts.context;
    this.#configuration = configuration;
    this.#parts = parts;
    this.#log = log.scope("dapr.runtime.processor");
    this.#reloadLog = log.scope("dapr.runtime.hotreload.reconciler");
    this.middleware = new MiddlewareComponents(configuration, parts.context);
    this.#current = { entries: [], secrets: new LocalSecrets(parts.env) };
  }

  /** What other resources may refer to. */
  get secrets(): LocalSecrets {
    return this.#current.secrets;
  }

  /** What the metadata route lists. */
  descriptions(): readonly ComponentDescription[] {
    const used = this.#current.entries.filter(({ use }) => use !== "none");
    return used.map(({ document: { name, type, version } }) => {
      return { name, type, version, capabilities: [] };
    });
  }

  /**
   * Loads the documents that a sidecar starts with.
   * @throws OutriggerError in Dapr's words for one that does not work, unless it has `ignoreErrors`.
   */
  async load(documents: readonly ComponentDocument[]): Promise<void> {
    const onLoaded = ({ document }: Entry): void => {
      this.#log.log("info", `Component loaded: ${labelOf(document)}`);
    };
    try {
      this.#use(await this.#stage(documents, new Set(), onLoaded));
    } catch (reason) {
      await this.middleware.stop();
      const text = `Error processing component, daprd will exit gracefully: ${errorText(reason)}`;
      this.#log.log("error", text);
      throw reason;
    }
  }

  /**
   * Takes what the files say now: everything of it, or nothing when one component does not work.
   * Requests that run are not disturbed.
   */
  async apply({ loaded }: SidecarResources, signal: AbortSignal): Promise<ComponentsOutcome> {
    const documents = loaded?.components ?? [];
    const stores = this.#changedStores(documents);
    const endpoint = loaded?.httpEndpoints.find((each) => readsFrom(each, stores));
    if (endpoint !== undefined) {
      return {
        kind: "restart",
        reason: `HTTPEndpoint ${endpoint.name} uses a changed secret store`,
      };
    }
    const before = this.#current;
    let staged: Staged;
    try {
      staged = await this.#stage(documents, stores);
    } catch (reason) {
      return { kind: "refused", problem: errorText(reason) };
    }
    if (signal.aborted) {
      await this.middleware.discard(newMiddleware(staged, before));
      return { kind: "refused", problem: "the sidecar ends" };
    }
    this.#use(staged);
    this.#tell(before.entries, staged.entries);
    return { kind: "applied" };
  }

  #use(staged: Staged): void {
    this.#current = staged;
    this.middleware.replaceAll(staged.entries.flatMap(({ middleware }) => middleware ?? []));
    this.middleware.reportMissing();
  }

  /** Makes what the documents ask for, beside what is in use. Stores come first: others refer to them. */
  async #stage(
    documents: readonly ComponentDocument[],
    changedStores: ReadonlySet<string>,
    onLoaded: (entry: Entry) => void = () => undefined,
  ): Promise<Staged> {
    const before = this.#current;
    const secrets = before.secrets.without(changedStores);
    const entries: Entry[] = [];
    const ordered = [...documents.filter(isLocalStore), ...documents.filter(isNoLocalStore)];
    try {
      for (const document of ordered) {
        const earlier = before.entries.find((entry) => entry.document.name === document.name);
        const isKept = earlier !== undefined && isSameDocument(earlier.document, document);
        if (isKept && !needsStore(document, changedStores)) {
          entries.push(earlier);
          continue;
        }
        const entry = await this.#process(document, secrets, earlier);
        entries.push(entry);
        if (entry.use !== "none") onLoaded(entry);
      }
    } catch (reason) {
      await this.middleware.discard(newMiddleware({ entries, secrets }, before));
      throw reason;
    }
    return { entries, secrets };
  }

  async #process(
    document: ComponentDocument,
    secrets: LocalSecrets,
    earlier: Entry | undefined,
  ): Promise<Entry> {
    const { name, type, ignoreErrors } = document;
    if (isDenied(document, this.#configuration.deniedComponents)) {
      const text = `Component ${labelOf(document)} is not loaded: its type is denied`;
      this.#log.log("warn", text);
      return { document, use: "none" };
    }
    if (!isLocalStore(document) && categoryOf(type) === "out-of-scope") {
      const text = "is not loaded: Outrigger is for service invocation only";
      this.#log.log("warn", `Component ${labelOf(document)} ${text}`);
      return { document, use: "none" };
    }
    const measured = this.#parts.metrics?.start;
    try {
      const entry = await this.#make(document, secrets);
      measured?.componentLoaded();
      measured?.componentInitialized(type);
      return entry;
    } catch (cause) {
      const isUnknown = !isLocalStore(document) && categoryOf(type) !== "middleware";
      measured?.componentFailed(type, name, isUnknown ? "creation" : "init");
      const text = `process component ${name} error: ${errorText(cause)}`;
      // Whatever a mistake may cost, it does not cost a component that works: that may be a guard.
      if (!ignoreErrors || (earlier !== undefined && earlier.use !== "none")) {
        throw new OutriggerError(text, { code: "OTR_OPTIONS_INVALID", cause });
      }
      this.#log.log("error", `Ignoring error processing component: ${text}`);
      return { document, use: "none" };
    }
  }

  async #make(document: ComponentDocument, secrets: LocalSecrets): Promise<Entry> {
    const { name, type } = document;
    const { appId, namespace } = this.#parts.context;
    const secret: MetadataSources["secret"] = (store, ref) => secrets.find(store, ref);
    const sources = { appId, namespace, env: this.#parts.env, secret };
    if (isLocalStore(document)) {
      const { values, warnings } = componentValues(document, sources);
      for (const warning of warnings) this.#log.log("warn", warning);
      await secrets.add(name, type.toLowerCase(), values);
      return { document, use: "store" };
    }
    if (categoryOf(type) !== "middleware") {
      throw new OutriggerError(`incorrect type ${type}`, { code: "OTR_OPTIONS_INVALID" });
    }
    const middleware = await this.middleware.make(document, sources);
    return { document, use: "middleware", middleware };
  }

  #changedStores(documents: readonly ComponentDocument[]): ReadonlySet<string> {
    const old = this.#current.entries.filter(({ use }) => use === "store");
    const young = documents.filter(
      (document) =>
        isLocalStore(document) && !isDenied(document, this.#configuration.deniedComponents),
    );
    return changedNames(
      old.map(({ document }) => document),
      young,
    );
  }

  /** In Dapr's words, deleted ones first. */
  #tell(before: readonly Entry[], after: readonly Entry[]): void {
    const log = (text: string): void => this.#reloadLog.log("info", text);
    for (const { document, use } of before) {
      if (use === "none" || after.some((entry) => entry.document.name === document.name)) continue;
      log(`Received Component deletion, closing: ${labelOf(document)}`);
    }
    for (const entry of after) {
      const label = labelOf(entry.document);
      const earlier = before.find(({ document }) => document.name === entry.document.name);
      const wasUsed = earlier !== undefined && earlier.use !== "none";
      if (entry === earlier || (!wasUsed && entry.use === "none")) continue;
      log(`Received Component ${wasUsed ? "update" : "creation"}: ${label}`);
      if (wasUsed) log(`Closing existing Component to reload: ${labelOf(earlier.document)}`);
      if (entry.use === "none") continue;
      log(`Adding Component for processing: ${label}`);
      this.#log.log("info", `Component loaded: ${label}`);
      log(`Component updated: ${label}`);
    }
  }
}

function isLocalStore({ type }: ComponentDocument): boolean {
  return localStoreTypes.includes(type.toLowerCase());
}

function isNoLocalStore(document: ComponentDocument): boolean {
  return !isLocalStore(document);
}

function newMiddleware(staged: Staged, before: Staged): readonly LoadedMiddleware[] {
  return staged.entries
    .filter((entry) => !before.entries.includes(entry))
    .flatMap(({ middleware }) => middleware ?? []);
}

/** Endpoints are made when the sidecar starts, with their secrets. */
function readsFrom(endpoint: HttpEndpointDocument, stores: ReadonlySet<string>): boolean {
  if (!stores.has(endpoint.secretStore)) return false;
  const { rootCa, certificate, privateKey } = endpoint.clientTls ?? {};
  return [...endpoint.headers, rootCa, certificate, privateKey].some(
    (value) => value?.secretKeyRef !== undefined,
  );
}
