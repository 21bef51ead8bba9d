import assert from "node:assert/strict";
import type { Logger, TraceContext, Tracer } from "@outrigger/core";
import { testContext } from "../context.ts";
import { eventually } from "../resolver/expect.ts";
import type { ArrivedSpan, TracerSettings, TracingSubject } from "./tracing-subject.ts";

/** A trace that began elsewhere. */
export const remoteTraceId = "0af7651916cd43dd8448eb211c80319c";
/** The span of that trace which called. */
export const remoteSpanId = "00f067aa0ba902b7";

const usual: TracerSettings = {
  samplingRate: 1,
  maxQueueSize: 256,
  maxExportBatchSize: 64,
  scheduleDelayMs: 50,
  exportTimeoutMs: 2_000,
  flushTimeoutMs: 2_000,
};

/** Time that a real collector on this machine may take. */
const patienceMs = 5_000;

/** A tracer at work, and what its log says. */
export interface TracerAtWork {
  readonly tracer: Tracer;
  /** Warnings so far. */
  readonly warnings: readonly string[];
}

/** Runs the work with a started tracer and stops it afterwards, if the work did not. */
export async function withTracer(
  subject: TracingSubject,
  settings: Partial<TracerSettings>,
  signal: AbortSignal,
  work: (at: TracerAtWork) => Promise<void> | void,
): Promise<void> {
  const warnings: string[] = [];
  const log: Logger = {
    log: (level, message) => void (level === "warn" && warnings.push(message)),
    enabled: () => true,
    scope: () => log,
  };
  const tracer = subject.create({ ...usual, ...settings }, testContext({ appId: "orders", log }));
  try {
    await tracer.start?.(signal);
    await work({ tracer, warnings });
  } finally {
    await tracer.stop?.();
  }
}

/** The context of a request from elsewhere. */
export function remote(isSampled: boolean): TraceContext {
  const traceparent = `00-${remoteTraceId}-${remoteSpanId}-${isSampled ? "01" : "00"}`;
  return { traceparent, tracestate: "vendor=1" };
}

/** The parts of a `traceparent`. Rejects when it is not one of version 00. */
export function partsOf({ traceparent }: TraceContext): {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
} {
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])$/.exec(traceparent);
  assert.ok(found !== null, `not a traceparent: ${traceparent}`);
  const [, traceId = "", spanId = "", sampled] = found;
  return { traceId, spanId, isSampled: sampled === "1" };
}

/** Begins and ends so many spans of traces of their own. */
export function record(tracer: Tracer, count: number, name = "CallLocal/stock/reserve"): void {
  for (let index = 0; index < count; index++) tracer.begin("client", name, undefined).span?.end();
}

/** Waits until so many spans arrived. */
export async function arrive(
  { collector }: TracingSubject,
  count: number,
  name?: string,
): Promise<readonly ArrivedSpan[]> {
  const wanted = (): readonly ArrivedSpan[] =>
    collector
      .arrived()
      .filter((span) => name === undefined || span.name.toLowerCase() === name.toLowerCase());
  await eventually(
    patienceMs,
    () => wanted().length,
    (found) => found >= count,
    "spans arrived",
  );
  return wanted();
}
