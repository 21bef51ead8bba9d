import type { ConformanceCase } from "../case.ts";
import { contentRows } from "./content-rows.ts";
import { failureRows } from "./failure-rows.ts";
import { headerRows } from "./header-rows.ts";
import { lifecycleCases } from "./lifecycle-cases.ts";
import { rowCase } from "./row.ts";
import { statusRows } from "./status-rows.ts";
import { streamCases } from "./stream-cases.ts";
import type { InvocationSubject } from "./subject.ts";
import { timingCases } from "./timing-cases.ts";

/** Every behaviour that an ingress and an app channel must show together. */
export const invocationCases: readonly ConformanceCase<InvocationSubject>[] = [
  ...[...contentRows, ...headerRows, ...statusRows, ...failureRows].map(rowCase),
  ...timingCases,
  ...streamCases,
  ...lifecycleCases,
];
