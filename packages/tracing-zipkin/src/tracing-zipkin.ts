import { errorText, OutriggerError, parseOptions, type StandardSchema } from "@outrigger/core";
import type { SpanExporterFactory } from "@outrigger/tracing";
import * as v from "valibot";
import { toZipkinSpan } from "./zipkin-span.ts";

/** Options of `tracingZipkin`. */
export interface TracingZipkinOptions {
  /** Full URL of the collector, for example `http://localhost:9411/api/v2/spans`. */
  readonly url: string;
}

const schema: StandardSchema<TracingZipkinOptions> = v.strictObject({
  url: v.string("must be a URL"),
});

/** The only status that means "taken" (Zipkin's API, `POST /spans`). */
const accepted = 202;

/**
 * Sends spans to Zipkin as v2 JSON.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when the URL has no scheme or host.
 */
export function tracingZipkin(options: TracingZipkinOptions): SpanExporterFactory {
  const { url } = parseOptions("@outrigger/tracing-zipkin", schema, options);
  const collector = parseCollector(url);
  return (_context, resource) => ({
    name: "tracing-zipkin",
    target: collector,
    export: async (spans, signal) => {
      const body = JSON.stringify(spans.map((span) => toZipkinSpan(span, resource)));
      const headers = { "content-type": "application/json" };
      const response = await post(collector, { method: "POST", headers, body, signal });
      // Unread bodies keep their connection busy.
      await response.body?.cancel();
      if (response.status !== accepted) {
        throw new Error(`failed to send spans to zipkin server with status ${response.status}`);
      }
    },
  });
}

async function post(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (reason) {
    // The cause tells what went wrong; the error itself says no more than "fetch failed".
    const { cause } = reason as { cause?: unknown };
    throw cause === undefined ? reason : new Error(errorText(cause), { cause: reason });
  }
}

/** In the words that Dapr's start ends with. */
function parseCollector(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.host !== "" && /^https?:$/.test(url.protocol)) return text;
  throw new OutriggerError(`invalid collector URL ${JSON.stringify(text)}: no scheme or host`, {
    code: "OTR_OPTIONS_INVALID",
    details: { url: text },
  });
}
