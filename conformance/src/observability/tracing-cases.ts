import type { ConformanceCase } from "../case.ts";
import { tracingExportCases } from "./tracing-export-cases.ts";
import { tracingFailureCases } from "./tracing-failure-cases.ts";
import { tracingSamplingCases } from "./tracing-sampling-cases.ts";
import type { TracingSubject } from "./tracing-subject.ts";

/** What every tracer and its exporter must do. Ids are stable; new cases come in minor versions. */
export const tracingCases: readonly ConformanceCase<TracingSubject>[] = [
  ...tracingSamplingCases,
  ...tracingExportCases,
  ...tracingFailureCases,
];
