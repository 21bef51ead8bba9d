export type { ConformanceCase } from "./case.ts";
export { testContext } from "./context.ts";
export { type CaseResult, formatReport, summary } from "./report.ts";
export { resolverCases } from "./resolver/cases.ts";
export { resolverFixture } from "./resolver/fixture.ts";
export type {
  ResolverBackend,
  ResolverLimits,
  ResolverPeers,
  ResolverSubject,
} from "./resolver/subject.ts";
export {
  type ConformanceRunOptions,
  type ConformanceSetup,
  runCase,
  runConformance,
  type SetupSubject,
} from "./run.ts";
export { transportCases } from "./transport/cases.ts";
export type { TransportSubject } from "./transport/subject.ts";
