import type { ConformanceCase } from "../case.ts";
import { logLevelCases } from "./log-level-cases.ts";
import { logLineCases } from "./log-line-cases.ts";
import { logStallCases } from "./log-stall-cases.ts";
import type { LoggerSubject } from "./logger-subject.ts";

/** What every logger must do, by Dapr's forms. Ids are stable; new cases come in minor versions. */
export const loggerCases: readonly ConformanceCase<LoggerSubject>[] = [
  ...logLineCases,
  ...logLevelCases,
  ...logStallCases,
];
