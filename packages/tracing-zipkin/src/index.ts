export { type TracingZipkinOptions, tracingZipkin } from "./tracing-zipkin.ts";
export { toZipkinSpan, type ZipkinSpan } from "./zipkin-span.ts";
