import type { ConformanceCase } from "../case.ts";
import { metricsCallCases } from "./metrics-call-cases.ts";
import { metricsHistogramCases } from "./metrics-histogram-cases.ts";
import { metricsLabelCases } from "./metrics-label-cases.ts";
import { metricsPathCases } from "./metrics-path-cases.ts";
import { metricsScrapeCases } from "./metrics-scrape-cases.ts";
import type { MetricsSubject } from "./metrics-subject.ts";

/** What every metrics recorder must do, by Dapr's rules. Ids are stable; new cases come in minor versions. */
export const metricsCases: readonly ConformanceCase<MetricsSubject>[] = [
  ...metricsScrapeCases,
  ...metricsHistogramCases,
  ...metricsPathCases,
  ...metricsLabelCases,
  ...metricsCallCases,
];
