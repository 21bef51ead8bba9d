const shownDifferences = 12;

/**
 * Compares what a replay found with what the repo expects of it.
 * @param {import("./outcomes.mjs").Outcome[]} outcomes
 * @param {{ deviations: Record<string, string>, pending: Record<string, string> }} expectation
 *   `deviations` by case id: must differ, for the reason given. `pending` by pattern over
 *   `scenario/case`: may differ until the issue named brings the feature.
 */
export function judge(outcomes, { deviations, pending }) {
  const counts = { passed: 0, failed: 0, pending: 0, deviating: 0 };
  const lines = [];
  const patterns = Object.entries(pending).map(([text, issue]) => {
    return { text, issue, regex: new RegExp(text), matched: 0, differ: 0 };
  });
  for (const outcome of outcomes) {
    const waiting = patterns.filter(({ regex }) => regex.test(outcome.name));
    for (const pattern of waiting) {
      pattern.matched += 1;
      if (outcome.differs) pattern.differ += 1;
    }
    const kind = kindOf(outcome, deviations[outcome.id], waiting.length > 0);
    counts[kind] += 1;
    if (kind === "failed") lines.push(...report(outcome, deviations[outcome.id]));
  }
  for (const { text, issue, matched, differ } of patterns) {
    if (matched === 0) continue;
    const state = differ === 0 ? "all as recorded now: remove the entry" : `${differ} differ`;
    lines.push(`pending ${text} (${issue}): ${matched} cases, ${state}`);
  }
  return { counts, lines };
}

function kindOf({ differs }, deviation, isPending) {
  if (deviation !== undefined) return differs ? "deviating" : "failed";
  if (!differs) return "passed";
  return isPending ? "pending" : "failed";
}

function report({ name, differences }, deviation) {
  if (deviation !== undefined) {
    return [`FAIL ${name}: behaves as recorded, so its declared deviation is obsolete`];
  }
  const shown = differences.slice(0, shownDifferences).map((line) => `    ${line.slice(0, 400)}`);
  const more = differences.length - shown.length;
  return [`FAIL ${name}`, ...shown, ...(more > 0 ? [`    … ${more} more`] : [])];
}
