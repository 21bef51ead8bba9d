import { describe, test } from "vitest";
import type { ConformanceCase } from "./case.ts";
import { invocationCases } from "./invocation/cases.ts";
import type { InvocationSubject } from "./invocation/subject.ts";
import { middlewareCases } from "./middleware/cases.ts";
import type { MiddlewareSubject } from "./middleware/subject.ts";
import { loggerCases } from "./observability/logger-cases.ts";
import type { LoggerSubject } from "./observability/logger-subject.ts";
import { metricsCases } from "./observability/metrics-cases.ts";
import type { MetricsSubject } from "./observability/metrics-subject.ts";
import { tracingCases } from "./observability/tracing-cases.ts";
import type { TracingSubject } from "./observability/tracing-subject.ts";
import { resiliencyCases } from "./resiliency/cases.ts";
import type { ResiliencySubject } from "./resiliency/subject.ts";
import { resolverCases } from "./resolver/cases.ts";
import type { ResolverSubject } from "./resolver/subject.ts";
import { type ConformanceRunOptions, runCase, type SetupSubject } from "./run.ts";
import { accessCases } from "./security/access-cases.ts";
import type { AccessSubject } from "./security/access-subject.ts";
import { identityCases } from "./security/identity-cases.ts";
import type { IdentitySubject } from "./security/identity-subject.ts";
import { transportCases } from "./transport/cases.ts";
import type { TransportSubject } from "./transport/subject.ts";

/** Options of a suite that runs under vitest. */
export interface ConformanceSuiteOptions<Subject> extends ConformanceRunOptions {
  /** Name of the implementation, shown in the report. */
  readonly name: string;
  /** Makes a fresh subject, with a real counterpart, for each case. */
  readonly setup: SetupSubject<Subject>;
}

/** Registers the resolver suite with vitest. */
export function resolverConformance(options: ConformanceSuiteOptions<ResolverSubject>): void {
  registerCases(resolverCases, options);
}

/** Registers the transport suite with vitest. */
export function transportConformance(options: ConformanceSuiteOptions<TransportSubject>): void {
  registerCases(transportCases, options);
}

/** Registers the suite for an ingress and an app channel with vitest. */
export function invocationConformance(options: ConformanceSuiteOptions<InvocationSubject>): void {
  registerCases(invocationCases, options);
}

/** Registers the suite for sources of workload certificates with vitest. */
export function identityConformance(options: ConformanceSuiteOptions<IdentitySubject>): void {
  registerCases(identityCases, options);
}

/** Registers the suite for access policies with vitest. */
export function accessConformance(options: ConformanceSuiteOptions<AccessSubject>): void {
  registerCases(accessCases, options);
}

/** Registers the suite for HTTP middleware with vitest. */
export function middlewareConformance(options: ConformanceSuiteOptions<MiddlewareSubject>): void {
  registerCases(middlewareCases, options);
}

/** Registers the suite for resiliency policies with vitest. */
export function resiliencyConformance(options: ConformanceSuiteOptions<ResiliencySubject>): void {
  registerCases(resiliencyCases, options);
}

/** Registers the suite for metrics recorders with vitest. */
export function metricsConformance(options: ConformanceSuiteOptions<MetricsSubject>): void {
  registerCases(metricsCases, options);
}

/** Registers the suite for tracers and the exporters behind them with vitest. */
export function tracingConformance(options: ConformanceSuiteOptions<TracingSubject>): void {
  registerCases(tracingCases, options);
}

/** Registers the suite for loggers with vitest. */
export function loggerConformance(options: ConformanceSuiteOptions<LoggerSubject>): void {
  registerCases(loggerCases, options);
}

/** Registers any cases with vitest: one test per case. */
export function registerCases<Subject>(
  cases: readonly ConformanceCase<Subject>[],
  options: ConformanceSuiteOptions<Subject>,
): void {
  const { name, setup, knownFailures = {}, timeoutMs = 15_000 } = options;
  const unknown = Object.keys(knownFailures).filter((id) => !cases.some((one) => one.id === id));
  if (unknown.length > 0) {
    throw new Error(`${name}: knownFailures lists unknown cases: ${unknown.join(", ")}`);
  }
  describe(`${name} conforms`, () => {
    for (const testCase of cases) {
      test(`${testCase.id}: ${testCase.title}`, { timeout: timeoutMs + 5_000 }, async (context) => {
        const result = await runCase(testCase, setup, options);
        // For whoever makes tables of reports: reporters pass `meta` on.
        Object.assign(context.task.meta, {
          conformance: { suite: name, id: result.id, title: result.title, outcome: result.outcome },
        });
        if (result.outcome === "skipped") context.skip("the feature is not claimed");
        if (result.outcome === "known-failure") {
          context.skip(`known failure: ${knownFailures[testCase.id]}`);
        }
        if (result.outcome === "failed") throw result.failure;
      });
    }
  });
}
