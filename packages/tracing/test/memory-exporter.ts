import { type Logger, type LogLevel, silentLogger } from "@outrigger/core";
import type { SpanExporterFactory, SpanRecord, TraceResource } from "@outrigger/tracing";

/** Keeps what it gets, and fails or hangs on demand. */
export class MemoryExporter {
  readonly batches: SpanRecord[][] = [];
  resource: TraceResource | undefined;
  /** Awaited by every export. */
  gate: () => Promise<void> = async () => undefined;
  stopped = false;

  readonly factory: SpanExporterFactory = (_context, resource) => {
    this.resource = resource;
    return {
      name: "memory",
      target: "nowhere",
      export: async (spans) => {
        this.batches.push([...spans]);
        await this.gate();
      },
      stop: async () => {
        this.stopped = true;
      },
    };
  };

  get spans(): SpanRecord[] {
    return this.batches.flat();
  }
}

export function contextWith(log: Logger = silentLogger): {
  appId: string;
  namespace: string;
  log: Logger;
  now: () => number;
  random: () => number;
} {
  return { appId: "orders", namespace: "default", log, now: Date.now, random: Math.random };
}

/** A logger that keeps its lines. */
export function keepingLogger(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const log: Logger = {
    log: (level: LogLevel, message: string) => void lines.push(`${level} ${message}`),
    enabled: () => true,
    scope: () => log,
  };
  return { log, lines };
}
