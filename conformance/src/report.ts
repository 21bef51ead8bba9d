/** What became of one case. */
export interface CaseResult {
  readonly id: string;
  readonly title: string;
  /** `skipped`: the subject does not claim the feature. `known-failure`: listed, and it failed. */
  readonly outcome: "passed" | "failed" | "skipped" | "known-failure";
  readonly durationMs: number;
  /** What was thrown, when the case failed. */
  readonly failure?: unknown;
}

/** One line per case and a summary, as plain text. */
export function formatReport(results: readonly CaseResult[]): string {
  const width = Math.max(0, ...results.map(({ outcome }) => outcome.length));
  const lines = results.map((result) => {
    const line = `${result.outcome.padEnd(width)}  ${result.id}: ${result.title}`;
    return result.failure === undefined ? line : `${line}\n    ${failureText(result.failure)}`;
  });
  return [...lines, summary(results)].join("\n");
}

/** For example `36 of 38 passed, 2 skipped`; for READMEs and logs. */
export function summary(results: readonly CaseResult[]): string {
  const count = (outcome: CaseResult["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  const parts = [`${count("passed")} of ${results.length} passed`];
  for (const outcome of ["failed", "known-failure", "skipped"] as const) {
    if (count(outcome) > 0) parts.push(`${count(outcome)} ${outcome}`);
  }
  return parts.join(", ");
}

function failureText(failure: unknown): string {
  const text = failure instanceof Error ? failure.message : String(failure);
  return text.replaceAll("\n", "\n    ");
}
