import type { TraceContext } from "./call.ts";
import type { Component } from "./component.ts";

/** The side of a call that a span tells about. */
export type SpanKind = "client" | "server";

/** The record of a sampled span while it is open. Whoever learns more about the request adds to it. */
export interface Span {
  /** Shown in lists; the path at first, until somebody knows better. */
  name: string;
  /** Empty values are left out, and a repeated key replaces the value. */
  set(key: string, value: string): void;
  /** Ends the span; nothing is added afterwards. @param error what went wrong, if anything. */
  end(error?: string): void;
}

/** Decides which requests are recorded and gives each of them an identity of its own. */
export interface Tracer extends Component {
  /**
   * The context that a request goes on with: a new span id, in the parent's trace or in one of its
   * own. It has a `span` exactly when it is sampled; an unsampled request costs no more than its header.
   * @param parent a valid context, when the request came with one.
   */
  begin(kind: SpanKind, name: string, parent: TraceContext | undefined): TraceContext;
}
