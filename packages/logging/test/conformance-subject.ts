import type { LoggerSubject } from "@outrigger/conformance";
import { createLogger } from "@outrigger/logging";

/** This package as the suite wants it. */
export const subject: LoggerSubject = {
  create: (settings) => {
    const lines: string[] = [];
    const sink = { write: (line: string) => void lines.push(line), close: () => undefined };
    const logger = createLogger({ ...settings, sink });
    return {
      logger,
      written: () => lines.join(""),
      setLevel: (level) => logger.setLevel(level),
      withLevel: (level) => logger.withLevel(level),
    };
  },
};
