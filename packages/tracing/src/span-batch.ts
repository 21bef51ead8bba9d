import { errorText, type Logger, unlessAborted } from "@outrigger/core";
import type { SpanExporter } from "./span-exporter.ts";
import type { SpanRecord } from "./span-record.ts";

/** Bounds of a batch. */
export interface BatchSettings {
  /** Spans that wait at most; more are dropped. */
  readonly maxQueueSize: number;
  /** Spans per export at most. */
  readonly maxExportBatchSize: number;
  /** Longest wait of a span before it is sent, in milliseconds. */
  readonly scheduleDelayMs: number;
  /** Bound on one export, in milliseconds. */
  readonly exportTimeoutMs: number;
}

/** What became of the spans of one exporter. */
export interface SpanCounts {
  readonly exported: number;
  /** Refused because the queue was full. */
  readonly dropped: number;
  /** Sent in vain. */
  readonly failed: number;
}

/**
 * Spans on their way to one exporter: a bounded ring that the request path only writes to. Sending
 * happens in batches, one at a time, after a delay or as soon as a batch is full.
 */
export class SpanBatch {
  readonly #exporter: SpanExporter;
  readonly #settings: BatchSettings;
  readonly #log: Logger;
  readonly #ring: (SpanRecord | undefined)[];
  #first = 0;
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #exported = 0;
  #dropped = 0;
  #failed = 0;
  #isAway = false;
  #closed = false;
  /** No more attempts: nobody waits any longer. */
  #isCutOff = false;
  #current: AbortController | undefined;

  constructor(exporter: SpanExporter, settings: BatchSettings, log: Logger) {
    this.#exporter = exporter;
    this.#settings = settings;
    this.#log = log;
    this.#ring = new Array<SpanRecord | undefined>(settings.maxQueueSize);
  }

  get counts(): SpanCounts {
    return { exported: this.#exported, dropped: this.#dropped, failed: this.#failed };
  }

  /** Queues a span. Never waits and never throws. */
  add(span: SpanRecord): void {
    const { maxQueueSize, maxExportBatchSize, scheduleDelayMs } = this.#settings;
    if (this.#closed || this.#length === maxQueueSize) {
      this.#dropped += 1;
      return;
    }
    this.#ring[(this.#first + this.#length) % maxQueueSize] = span;
    this.#length += 1;
    if (this.#length >= maxExportBatchSize) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), scheduleDelayMs).unref();
  }

  /** Sends what waits, for so long and no longer; what is left then is dropped. */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    this.#stopTimer();
    if (this.#length === 0 && this.#sending === undefined) return;
    const cutOff = setTimeout(() => {
      this.#isCutOff = true;
      this.#current?.abort(new Error("the sidecar stops"));
    }, timeoutMs);
    while (this.#length > 0 && !this.#isCutOff) {
      this.#send();
      await this.#sending;
    }
    await this.#sending;
    clearTimeout(cutOff);
    this.#dropped += this.#length;
    this.#length = 0;
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #send(): void {
    this.#stopTimer();
    if (this.#sending !== undefined) return;
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#length === 0 || this.#closed) return;
      this.#timer ??= setTimeout(() => this.#send(), this.#settings.scheduleDelayMs).unref();
    });
  }

  /** One batch, and more while whole ones wait. */
  async #sendAll(): Promise<void> {
    const { maxExportBatchSize } = this.#settings;
    do {
      await this.#export(this.#take(maxExportBatchSize));
    } while (this.#length >= maxExportBatchSize && !this.#isCutOff);
  }

  #take(most: number): readonly SpanRecord[] {
    const { maxQueueSize } = this.#settings;
    const spans: SpanRecord[] = [];
    while (this.#length > 0 && spans.length < most) {
      spans.push(this.#ring[this.#first] as SpanRecord);
      this.#ring[this.#first] = undefined;
      this.#first = (this.#first + 1) % maxQueueSize;
      this.#length -= 1;
    }
    return spans;
  }

  /** Never rejects. The exporter may throw or not heed its signal: the next batch must go on. */
  async #export(spans: readonly SpanRecord[]): Promise<void> {
    const { exportTimeoutMs } = this.#settings;
    const current = new AbortController();
    this.#current = current;
    const timer = setTimeout(
      () => current.abort(new Error(`no answer within ${exportTimeoutMs} ms`)),
      exportTimeoutMs,
    ).unref();
    try {
      await unlessAborted(this.#exporter.export(spans, current.signal), current.signal);
      this.#exported += spans.length;
      this.#tellBack();
    } catch (reason) {
      this.#failed += spans.length;
      this.#tellAway(errorText(current.signal.aborted ? current.signal.reason : reason));
    } finally {
      clearTimeout(timer);
      this.#current = undefined;
    }
  }

  /** Once per outage: a collector that is away must not fill the log. */
  #tellAway(reason: string): void {
    if (this.#isAway) return;
    this.#isAway = true;
    const { name, target } = this.#exporter;
    this.#log.log("warn", `${name}: spans cannot be sent to ${target}: ${reason}`);
  }

  #tellBack(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    const { name, target } = this.#exporter;
    const lost = this.#failed + this.#dropped;
    this.#log.log("info", `${name}: spans are sent to ${target} again; ${lost} were lost so far`);
  }
}
