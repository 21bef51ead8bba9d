import type { ConformanceCase } from "../case.ts";
import { announceCases } from "./announce-cases.ts";
import { changeCases } from "./change-cases.ts";
import { identityCases } from "./identity-cases.ts";
import { lifecycleCases } from "./lifecycle-cases.ts";
import { resolveCases } from "./resolve-cases.ts";
import type { ResolverSubject } from "./subject.ts";

/** What every resolver must do. Ids are stable; a new case comes with a minor version. */
export const resolverCases: readonly ConformanceCase<ResolverSubject>[] = [
  ...resolveCases,
  ...identityCases,
  ...changeCases,
  ...announceCases,
  ...lifecycleCases,
];
