import type { Span, SpanKind } from "@outrigger/core";
import { epochMs } from "./span-clock.ts";
import type { SpanRecord } from "./span-record.ts";

/** What a span is from its start on. */
export interface SpanIdentity {
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly traceState: string;
  readonly flags: number;
}

/** A sampled span under way; ending it hands its record on. */
export class OpenSpan implements Span {
  name: string;
  readonly #identity: SpanIdentity;
  readonly #onEnd: (record: SpanRecord) => void;
  readonly #attributes: Map<string, string> = new Map();
  readonly #startedAt: number = performance.now();
  readonly #startMs: number = epochMs(this.#startedAt);
  #ended = false;

  constructor(name: string, identity: SpanIdentity, onEnd: (record: SpanRecord) => void) {
    this.name = name;
    this.#identity = identity;
    this.#onEnd = onEnd;
  }

  set(key: string, value: string): void {
    if (value !== "") this.#attributes.set(key, value);
  }

  end(error?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd({
      name: this.name,
      ...this.#identity,
      startMs: this.#startMs,
      durationMs: performance.now() - this.#startedAt,
      attributes: this.#attributes,
      error,
    });
  }
}
