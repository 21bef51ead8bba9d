export { createLogger, type LeveledLogger, type LoggerOptions } from "./create-logger.ts";
export { fileSink } from "./file-sink.ts";
export type { LogFormat } from "./line-format.ts";
export { parseLogLevel } from "./log-level.ts";
export type { LogSink } from "./log-sink.ts";
export { stdoutSink } from "./stdout-sink.ts";
