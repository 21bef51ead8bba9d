import type { ConformanceCase } from "../case.ts";
import { contentCases } from "./content-cases.ts";
import { failureCases } from "./failure-cases.ts";
import { lifecycleCases } from "./lifecycle-cases.ts";
import { streamCases } from "./stream-cases.ts";
import { streamFailureCases } from "./stream-failure-cases.ts";
import type { TransportSubject } from "./subject.ts";

/** Every behaviour that a transport must show. */
export const transportCases: readonly ConformanceCase<TransportSubject>[] = [
  ...contentCases,
  ...failureCases,
  ...lifecycleCases,
  ...streamCases,
  ...streamFailureCases,
];
