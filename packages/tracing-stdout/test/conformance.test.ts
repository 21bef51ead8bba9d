import type { ArrivedSpan, TracingSubject } from "@outrigger/conformance";
import { tracingConformance } from "@outrigger/conformance/vitest";
import type { Logger } from "@outrigger/core";
import { tracing } from "@outrigger/tracing";
import { tracingStdout } from "@outrigger/tracing-stdout";

const form = /^\[(.*)\] Trace: ([0-9a-f]{32}) Span: ([0-9a-f]{16})\/([0-9a-f]{16}) Time: /;

function read(line: string): ArrivedSpan {
  const [, name = "", traceId = "", parent = "", spanId = ""] = form.exec(line) ?? [];
  return { name, traceId, spanId, parentSpanId: /^0+$/.test(parent) ? undefined : parent };
}

function subject(): TracingSubject {
  const spans: ArrivedSpan[] = [];
  const lines: Logger = {
    log: (_level, message) => void spans.push(read(message)),
    enabled: () => true,
    scope: () => lines,
  };
  return {
    create: (settings, context) =>
      tracing({ ...settings, exporters: [tracingStdout()] })({
        ...context,
        log: { ...context.log, scope: () => lines },
      }),
    collector: { arrived: () => spans },
    features: { failures: false, details: false, service: false },
  };
}

tracingConformance({
  name: "@outrigger/tracing-stdout",
  setup: () => ({ subject: subject() }),
});
