export { formatSpan } from "./format-span.ts";
export { type TracingStdoutOptions, tracingStdout } from "./tracing-stdout.ts";
