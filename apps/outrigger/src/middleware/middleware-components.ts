import {
  type Component,
  type ComponentContext,
  type ComponentDescription,
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

interface Loaded {
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
  readonly #sources: MetadataSources;
  readonly #loaded = new Map<string, Loaded>();
  readonly #pipelines: readonly LivePipelineOf[];

  constructor(configuration: Configuration, sources: MetadataSources, context: ComponentContext) {
    this.#context = context;
    this.#sources = sources;
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

  /** What the metadata route lists. */
  descriptions(): readonly ComponentDescription[] {
    return [...this.#loaded.values()].map(({ document }) => {
      const { name, type, version } = document;
      return { name, type, version, capabilities: [] };
    });
  }

  /**
   * Makes and starts a component. One of the same name is replaced when the new one works.
   * @throws OutriggerError with Dapr's text when it does not.
   */
  async add(document: ComponentDocument): Promise<void> {
    const component = await this.#make(document);
    const previous = this.#loaded.get(document.name);
    this.#loaded.set(document.name, { document, component });
    this.#rebuild();
    await previous?.component.stop?.();
  }

  /** Takes a component out of the pipelines. */
  async remove(name: string): Promise<void> {
    const previous = this.#loaded.get(name);
    this.#loaded.delete(name);
    this.#rebuild();
    await previous?.component.stop?.();
  }

  /** Warns of handlers that have no component. */
  reportMissing(): void {
    for (const pipeline of this.#pipelines) pipeline.reportMissing();
  }

  async stop(): Promise<void> {
    const all = [...this.#loaded.values()];
    await Promise.all(
      all.map(async ({ document, component }) => {
        try {
          await component.stop?.();
        } catch (reason) {
          const text = `component ${document.name} failed to stop: ${errorText(reason)}`;
          this.#context.log.log("warn", text);
        }
      }),
    );
  }

  async #make(document: ComponentDocument): Promise<HttpMiddlewareComponent> {
    const { type, version, file } = document;
    try {
      const { values, warnings } = componentValues(document, this.#sources);
      for (const warning of warnings) this.#context.log.log("warn", warning);
      const choice = { type, version, metadata: values, file };
      return await created(document, async () => {
        const component = await loadMiddleware(choice, this.#context);
        await startInTime(component, document);
        return component;
      });
    } catch (cause) {
      throw initError("INIT_COMPONENT_FAILURE", document, errorText(cause), cause);
    }
  }

  #rebuild(): void {
    for (const pipeline of this.#pipelines) pipeline.rebuild(this.#loaded);
  }
}

/** A pipeline of the Configuration and what has become of it. */
class LivePipelineOf {
  readonly live: LiveHttpPipeline | undefined;
  readonly #label: string;
  readonly #handlers: readonly PipelineHandler[];
  readonly #context: ComponentContext;
  #missing: readonly PipelineHandler[];

  constructor(label: string, handlers: readonly PipelineHandler[], context: ComponentContext) {
    this.#label = label;
    this.#handlers = handlers;
    this.#context = context;
    this.#missing = handlers;
    this.live = handlers.length === 0 ? undefined : new LiveHttpPipeline(context.log);
  }

  rebuild(loaded: ReadonlyMap<string, Loaded>): void {
    const found = this.#handlers.map((handler) => {
      const match = loaded.get(handler.name);
      return match !== undefined && matches(handler, match.document) ? match.component : undefined;
    });
    this.#missing = this.#handlers.filter((_handler, index) => found[index] === undefined);
    this.live?.replace(found.filter((component) => component !== undefined));
  }

  reportMissing(): void {
    for (const { name, type, version } of this.#missing) {
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
