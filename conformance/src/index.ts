export type { ConformanceCase } from "./case.ts";
export { testContext } from "./context.ts";
export { invocationCases } from "./invocation/cases.ts";
export type {
  AppHandler,
  AppReply,
  AppRequest,
  AppUnderTest,
  ClientAnswer,
  ClientCall,
  IngressUnderTest,
  InvocationAppFeatures,
  InvocationClient,
  InvocationIngressFeatures,
  InvocationPair,
  InvocationProtocol,
  InvocationSubject,
} from "./invocation/subject.ts";
export { middlewareCases } from "./middleware/cases.ts";
export type {
  AnsweringMiddleware,
  MiddlewareChanges,
  MiddlewareSubject,
  RequestFields,
} from "./middleware/subject.ts";
export { loggerCases } from "./observability/logger-cases.ts";
export type {
  LoggerFeatures,
  LoggerSettings,
  LoggerSubject,
  LoggerUnderTest,
  StalledLogger,
} from "./observability/logger-subject.ts";
export { metricsCases } from "./observability/metrics-cases.ts";
export type {
  BreakerEvent,
  MeasuredRequest,
  MetricsFeatures,
  MetricsRule,
  MetricsServerUnderTest,
  MetricsSpec,
  MetricsSubject,
  RecorderUnderTest,
} from "./observability/metrics-subject.ts";
export { tracingCases } from "./observability/tracing-cases.ts";
export type {
  ArrivedSpan,
  CollectorConduct,
  SpanCollector,
  TracerSettings,
  TracingFeatures,
  TracingSubject,
} from "./observability/tracing-subject.ts";
export { type CaseResult, formatReport, summary } from "./report.ts";
export { resiliencyCases } from "./resiliency/cases.ts";
export type {
  BreakerRule,
  MadeResiliency,
  ResiliencyClock,
  ResiliencyFeatures,
  ResiliencyResource,
  ResiliencySubject,
  RetryRule,
  TargetRule,
} from "./resiliency/subject.ts";
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
export { accessCases } from "./security/access-cases.ts";
export type { AccessRules, AccessSubject } from "./security/access-subject.ts";
export { identityCases } from "./security/identity-cases.ts";
export type { IdentitySubject, Misissue } from "./security/identity-subject.ts";
export { transportCases } from "./transport/cases.ts";
export type { TransportSubject } from "./transport/subject.ts";
