import type { SpanRecord } from "@outrigger/tracing";

/** One line per span, as Dapr writes it (`pkg/diagnostics/utils`): two blanks before the end. */
export function formatSpan(span: SpanRecord): string {
  const parent = span.parentSpanId ?? "0".repeat(16);
  const start = goTime(span.startMs);
  const end = goTime(span.startMs + span.durationMs);
  return `[${span.name}] Trace: ${span.traceId} Span: ${parent}/${span.spanId} Time: [${start} ->  ${end}] Annotations: []`;
}

/** As Go prints a time of UTC: nanoseconds without zeros at the end. */
function goTime(epochMs: number): string {
  const micros = Math.round(epochMs * 1_000);
  const date = new Date(Math.floor(micros / 1_000)).toISOString();
  const fraction = `${micros % 1_000_000}`.padStart(6, "0").replace(/0+$/, "");
  const seconds = date.slice(0, 19).replace("T", " ");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`} +0000 UTC`;
}
