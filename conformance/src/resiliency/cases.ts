import type { ConformanceCase } from "../case.ts";
import { breakerCases } from "./breaker-cases.ts";
import { codeCases } from "./code-cases.ts";
import { conductCases } from "./conduct-cases.ts";
import { retryCases } from "./retry-cases.ts";
import type { ResiliencySubject } from "./subject.ts";
import { targetCases } from "./target-cases.ts";
import { timeoutCases } from "./timeout-cases.ts";
import { tripCases } from "./trip-cases.ts";

/** What every policy engine must do, by Dapr's rules. Ids are stable; new cases come in minor versions. */
export const resiliencyCases: readonly ConformanceCase<ResiliencySubject>[] = [
  ...targetCases,
  ...retryCases,
  ...codeCases,
  ...timeoutCases,
  ...breakerCases,
  ...tripCases,
  ...conductCases,
];
