export type { OtlpProtocol, TracingOtlpOptions } from "./options.ts";
export { tracingOtlp } from "./tracing-otlp.ts";
