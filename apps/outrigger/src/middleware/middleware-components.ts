import {
  type Component,
  type ComponentContext,
  errorText,
  type HttpMiddlewareComponent,
  type HttpPipeline,
  LiveHttpPipeline,
  OutriggerError,
} from "@outrigger/core";
import {
  type ComponentDocument,
  type Configuration,
  componentValues,
  type MetadataSources,
  type PipelineHandler,
} from "@outrigger/resources";
import { formatGoDuration } from "../flags/go-duration.ts";
import { creationError, loadMiddleware } from "./load-middleware.ts";

/** A middleware that works, and the document that asked for it. */
export interface LoadedMiddleware {
  readonly document: ComponentDocument;
  readonly component: HttpMiddlewareComponent;
}

/**
 * The middleware components of a sidecar, and the pipelines that name them. When a component comes or
 * goes, the pipelines change while they serve.
 */
export class MiddlewareComponents implements Component {
  readonly name = "middleware";
  readonly #context: ComponentContext;
  /** By name. */
  #loaded: ReadonlyMap<string, LoadedMiddleware> = new Map();
  /** Those in use, and those that still serve requests that began before they went. */
  readonly #running = new Set<LoadedMiddleware>();
  readonly #pipelines: readonly LivePipelineOf[];
  #stopped = false;

  constructor(configuration: Configuration, context: ComponentContext) {
    this.#context = context;
    this.#pipelines = [
      new LivePipelineOf("httpPipeline", configuration.httpPipeline, context),
      new LivePipelineOf("appHttpPipeline", configuration.appHttpPipeline, context),
    ];
  }

  /** Around the HTTP API. `undefined` when the Configuration lists no handlers. */
  get httpPipeline(): HttpPipeline | undefined {
    return this.#pipelines[0]?.live;
  }

  /** Around requests to the app and to servers outside the mesh. */
  get appHttpPipeline(): HttpPipeline | undefined {
    return this.#pipelines[1]?.live;
  }

  /**
   * Makes and starts a component; no request reaches it before `replaceAll`.
   * @throws OutriggerError with Dapr's text when it does not work.
   */
  async make(document: ComponentDocument, sources: MetadataSources): Promise<LoadedMiddleware> {
    const { type, version, file } = document;
    try {
      const { values, warnings } = componentValues(document, sources);
      for (const warning of warnings) this.#context.log.log("warn", warning);
      const choice = { type, version, metadata: values, file };
      const component = await created(document, async () => {
        const made = await loadMiddleware(choice, this.#context);
        await startInTime(made, document);
        return made;
      });
      const loaded = { document, component };
      this.#running.add(loaded);
      return loaded;
    } catch (cause) {
      throw initError("INIT_COMPONENT_FAILURE", document, errorText(cause), cause);
    }
  }

  /**
   * Puts these to use in place of all before them, at once. One that goes is stopped after the last
   * request that began with it.
   */
  replaceAll(components: readonly LoadedMiddleware[]): void {
    const previous = [...this.#loaded.values()];
    this.#loaded = new Map(components.map((loaded) => [loaded.document.name, loaded]));
    for (const pipeline of this.#pipelines) pipeline.rebuild(this.#loaded);
    for (const loaded of previous) if (!components.includes(loaded)) void this.#retire(loaded);
    // The sidecar may have ended while they were made.
    if (this.#stopped) void this.stop();
  }

  /** Stops components that were made and never put to use. */
  async discard(components: readonly LoadedMiddleware[]): Promise<void> {
    await Promise.all(components.map((loaded) => this.#stop(loaded)));
  }

  /** Warns of handlers that have no component; of each once, until it has one. */
  reportMissing(): void {
    for (const pipeline of this.#pipelines) pipeline.reportMissing();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.discard([...this.#running]);
  }

  async #retire(loaded: LoadedMiddleware): Promise<void> {
    await Promise.all(this.#pipelines.map(({ live }) => live?.whenUnused(loaded.component)));
    await this.#stop(loaded);
  }

  async #stop(loaded: LoadedMiddleware): Promise<void> {
    if (!this.#running.delete(loaded)) return;
    try {
      await loaded.component.stop?.();
    } catch (reason) {
      const text = `component ${loaded.document.name} failed to stop: ${errorText(reason)}`;
      this.#context.log.log("warn", text);
    }
  }
}

/** A pipeline of the Configuration and what has become of it. */
class LivePipelineOf {
  readonly live: LiveHttpPipeline | undefined;
  readonly #label: string;
  readonly #handlers: readonly PipelineHandler[];
  readonly #context: ComponentContext;
  #missing: readonly PipelineHandler[];
  #reported: readonly PipelineHandler[] = [];

  constructor(label: string, handlers: readonly PipelineHandler[], context: ComponentContext) {
    this.#label = label;
    this.#handlers = handlers;
    this.#context = context;
    this.#missing = handlers;
    this.live = handlers.length === 0 ? undefined : new LiveHttpPipeline(context.log);
  }

  rebuild(loaded: ReadonlyMap<string, LoadedMiddleware>): void {
    const found = this.#handlers.map((handler) => {
      const match = loaded.get(handler.name);
      return match !== undefined && matches(handler, match.document) ? match.component : undefined;
    });
    this.#missing = this.#handlers.filter((_handler, index) => found[index] === undefined);
    this.live?.replace(found.filter((component) => component !== undefined));
  }

  reportMissing(): void {
    const news = this.#missing.filter((handler) => !this.#reported.includes(handler));
    this.#reported = this.#missing;
    for (const { name, type, version } of news) {
      this.#context.log.log(
        "warn",
        `${this.#label}: handler ${name} (${type}/${version || "v1"}) is skipped: no component of this name, type and version is loaded`,
      );
    }
  }
}

/** Types are compared as written here, unlike where they are looked up. */
function matches(handler: PipelineHandler, document: ComponentDocument): boolean {
  return handler.type === document.type && (handler.version || "v1") === (document.version || "v1");
}

/** @throws OutriggerError in the words of Dapr's processor of middleware. */
async function created(
  document: ComponentDocument,
  create: () => Promise<HttpMiddlewareComponent>,
): Promise<HttpMiddlewareComponent> {
  try {
    return await create();
  } catch (cause) {
    const text = `process component ${document.name} error: ${errorText(cause)}`;
    throw initError("CREATE_COMPONENT_FAILURE", document, text, cause);
  }
}

function initError(
  kind: string,
  document: ComponentDocument,
  text: string,
  cause: unknown,
): OutriggerError {
  const label = labelOf(document);
  return new OutriggerError(`[${kind}]: initialization error occurred for ${label}: ${text}`, {
    code: "OTR_OPTIONS_INVALID",
    cause,
  });
}

function labelOf({ name, type, version }: ComponentDocument): string {
  return `${name} (${type}/${version || "v1"})`;
}

/** @throws Error in Dapr's words after the document's `initTimeout`. */
async function startInTime(
  component: HttpMiddlewareComponent,
  document: ComponentDocument,
): Promise<void> {
  if (component.start === undefined) return;
  const { initTimeoutMs } = document;
  const late = new AbortController();
  const text = `init timeout for component ${labelOf(document)} exceeded after ${formatGoDuration(initTimeoutMs)}`;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const reason = new Error(text);
      late.abort(reason);
      reject(reason);
    }, initTimeoutMs);
  });
  try {
    await Promise.race([component.start(late.signal), timeout]);
  } catch (reason) {
    await component.stop?.();
    throw late.signal.aborted ? reason : creationError(document, reason);
  } finally {
    clearTimeout(timer);
  }
}
