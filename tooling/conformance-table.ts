/** What one suite found about one case; `@outrigger/conformance/vitest` reports it as `meta`. */
export interface CaseOutcome {
  readonly suite: string;
  readonly id: string;
  readonly title: string;
  readonly outcome: "passed" | "failed" | "skipped" | "known-failure";
}

/** One row of a table in a README. */
export interface TableRow {
  readonly id: string;
  readonly title: string;
  readonly results: readonly string[];
}

const begin = "<!-- conformance: begin, written by npm run conformance:tables -->";
const end = "<!-- conformance: end -->";

const words: Readonly<Record<CaseOutcome["outcome"], string>> = {
  passed: "passed",
  failed: "failed",
  skipped: "does not apply",
  "known-failure": "known failure",
};

/** Whether the README of a package shows what its suites found. */
export function showsResults(folder: string): boolean {
  return /^packages\/(?:resolver-|middleware-|tracing-|resiliency$|metrics-prometheus$|logging$)/.test(
    folder,
  );
}

/** A summary of each suite and a table with one row per case and one column per suite. */
export function formatSection(outcomes: readonly CaseOutcome[]): string {
  const suites = [...new Set(outcomes.map(({ suite }) => suite))];
  const cases = new Map(outcomes.map(({ id, title }) => [id, title]));
  const found = new Map(outcomes.map(({ suite, id, outcome }) => [`${suite} ${id}`, outcome]));
  const rows = [...cases].map(([id, title]) => {
    const results = suites.map((suite) => words[found.get(`${suite} ${id}`) ?? "skipped"]);
    return tableLine([`\`${id}\``, title, ...results]);
  });
  const heading = suites.length === 1 ? ["result"] : suites;
  return [
    ...suites.map((suite) => `${summaryOf(suite, outcomes)}\n`),
    tableLine(["case", "behaviour", ...heading]),
    tableLine(["---", "---", ...heading.map(() => "---")]),
    ...rows,
  ].join("\n");
}

function summaryOf(suite: string, outcomes: readonly CaseOutcome[]): string {
  const own = outcomes.filter((outcome) => outcome.suite === suite);
  const count = (wanted: CaseOutcome["outcome"]): number =>
    own.filter(({ outcome }) => outcome === wanted).length;
  const parts = [`${count("passed")} of ${own.length} cases passed`];
  if (count("skipped") > 0) parts.push(`${count("skipped")} do not apply`);
  if (count("known-failure") > 0) parts.push(`${count("known-failure")} known to fail`);
  return `\`${suite}\`: ${parts.join(", ")}.`;
}

/** The README with the section between its markers, which are made where there are none. */
export function withSection(readme: string, section: string): string {
  const block = `${begin}\n\n${section}\n\n${end}`;
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from >= 0 && to > from) return readme.slice(0, from) + block + readme.slice(to + end.length);
  const heading = "\n## Conformance\n";
  const own = readme.indexOf(heading);
  if (own >= 0) {
    const at = own + heading.length;
    return `${readme.slice(0, at)}\n${block}\n${readme.slice(at)}`;
  }
  const errors = readme.indexOf("\n## Errors\n");
  const at = errors >= 0 ? errors : readme.length;
  return `${readme.slice(0, at)}${heading}\n${block}\n${readme.slice(at)}`;
}

/** The rows between the markers of a README; undefined where there are no markers. */
export function readRows(readme: string): readonly TableRow[] | undefined {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) return undefined;
  return readme
    .slice(from, to)
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const [id = "", title = "", ...results] = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|"));
      return { id: id.replaceAll("`", ""), title, results };
    });
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
