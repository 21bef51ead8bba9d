import type { ConformanceCase } from "./case.ts";
import type { CaseResult } from "./report.ts";

/** A subject and how to release it. */
export interface ConformanceSetup<Subject> {
  readonly subject: Subject;
  /** Called after the case, whatever its outcome. */
  readonly teardown?: () => unknown;
}

/** Makes a fresh subject for one case. */
export type SetupSubject<Subject> = (
  testCase: ConformanceCase<Subject>,
) => Promise<ConformanceSetup<Subject>> | ConformanceSetup<Subject>;

/** Options of a run. */
export interface ConformanceRunOptions {
  /** Ids of cases that are known to fail, each with the reason. One that passes fails the run. */
  readonly knownFailures?: Readonly<Record<string, string>>;
  /** Time of one case, in milliseconds. Default 15000. */
  readonly timeoutMs?: number;
}

/** Runs the cases one after the other, each with a subject of its own. Never rejects. */
export async function runConformance<Subject>(
  cases: readonly ConformanceCase<Subject>[],
  setup: SetupSubject<Subject>,
  options: ConformanceRunOptions = {},
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const testCase of cases) results.push(await runCase(testCase, setup, options));
  return results;
}

/** Runs one case. Never rejects: what went wrong is in the result. */
export async function runCase<Subject>(
  testCase: ConformanceCase<Subject>,
  setup: SetupSubject<Subject>,
  options: ConformanceRunOptions = {},
): Promise<CaseResult> {
  const { id, title } = testCase;
  const knownReason = options.knownFailures?.[id];
  const startedAt = performance.now();
  const outcome = await attempt(testCase, setup, options.timeoutMs ?? 15_000);
  const durationMs = performance.now() - startedAt;
  if (outcome === "skipped") return { id, title, outcome, durationMs };
  if (outcome === "passed") {
    if (knownReason === undefined) return { id, title, outcome, durationMs };
    const failure = new Error(`${id} passes now: take it off knownFailures (${knownReason})`);
    return { id, title, outcome: "failed", durationMs, failure };
  }
  if (knownReason === undefined) {
    return { id, title, outcome: "failed", durationMs, failure: outcome.failure };
  }
  return { id, title, outcome: "known-failure", durationMs, failure: outcome.failure };
}

async function attempt<Subject>(
  testCase: ConformanceCase<Subject>,
  setup: SetupSubject<Subject>,
  timeoutMs: number,
): Promise<"passed" | "skipped" | { readonly failure: unknown }> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new Error(`${testCase.id} did not end within ${timeoutMs} ms`));
  }, timeoutMs);
  let teardown: (() => unknown) | undefined;
  try {
    const made = await setup(testCase);
    teardown = made.teardown;
    if (testCase.appliesTo?.(made.subject) === false) return "skipped";
    await beforeAbort(testCase.run(made.subject, deadline.signal), deadline.signal);
    return "passed";
  } catch (failure) {
    return { failure };
  } finally {
    clearTimeout(timer);
    await teardown?.();
  }
}

/** A case that ignores its signal must not stop the run. */
function beforeAbort(running: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    running.then(resolve, reject);
  });
}
