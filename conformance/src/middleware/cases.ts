import type { ConformanceCase } from "../case.ts";
import { failureCases } from "./failure-cases.ts";
import { lifecycleCases } from "./lifecycle-cases.ts";
import { passCases } from "./pass-cases.ts";
import { pipelineCases } from "./pipeline-cases.ts";
import { streamCases } from "./stream-cases.ts";
import type { MiddlewareSubject } from "./subject.ts";

/** What every HTTP middleware must do. Ids are stable; a new case comes with a minor version. */
export const middlewareCases: readonly ConformanceCase<MiddlewareSubject>[] = [
  ...passCases,
  ...streamCases,
  ...failureCases,
  ...pipelineCases,
  ...lifecycleCases,
];
