import type { Component, ComponentFactory } from "./component.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./http-exchange.ts";

/**
 * A handler of an HTTP pipeline. It passes the request on with `next`, changed or not, or answers
 * itself. Requests are immutable: a change is a new object (`{ ...request, path }`).
 *
 * It serves many requests at once, may be taken out of a pipeline while it does, must pass streams on
 * chunk by chunk, and must forward the end of a reading (`return()`) where it wraps a body. One that
 * replaces a body leaves `bodyLength` right: `undefined` makes a request one of unknown length, which
 * is sent in chunks and never repeated. What it throws becomes the answer 500 of that one request.
 */
export interface HttpMiddlewareComponent extends Component {
  /** @param next the rest of the pipeline; to be called once, or not at all. */
  handle(request: HttpRequest, next: HttpHandler): Promise<HttpResponse>;
}

/** What a middleware package exports under the name `middleware`. */
export type HttpMiddlewareFactory<Options> = (
  options: Options,
) => ComponentFactory<HttpMiddlewareComponent>;

/** Handlers around a last one, which each request brings along. */
export interface HttpPipeline {
  /** True when `run` would only call `last`. */
  readonly isEmpty: boolean;
  /**
   * Answers a request. Rejects only with what `last` threw, or when the request was aborted.
   * @param last called at most once.
   */
  run(request: HttpRequest, last: HttpHandler): Promise<HttpResponse>;
}

/** Settings of a component as its document has them: names in any case, values as text. */
export type ComponentMetadata = Readonly<Record<string, string>>;

/** The value of the first of these names that the settings have, in any case. */
export function metadataValue(
  metadata: ComponentMetadata,
  ...names: readonly string[]
): string | undefined {
  const entries = Object.entries(metadata);
  for (const name of names) {
    const lower = name.toLowerCase();
    const found = entries.find(([key]) => key.toLowerCase() === lower);
    if (found !== undefined) return found[1];
  }
  return undefined;
}

/** Whether a setting says yes in one of the words that Dapr takes for it. */
export function metadataFlag(metadata: ComponentMetadata, name: string): boolean {
  return /^(?:y|yes|true|t|on|1)$/i.test(metadataValue(metadata, name)?.trim() ?? "");
}
