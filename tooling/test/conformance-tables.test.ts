import { globSync } from "node:fs";
import { join } from "node:path";
import {
  loggerCases,
  metricsCases,
  middlewareCases,
  resiliencyCases,
  resolverCases,
  tracingCases,
} from "@outrigger/conformance";
import { describe, expect, test } from "vitest";
import {
  type CaseOutcome,
  formatSection,
  readRows,
  showsResults,
  withSection,
} from "../conformance-table.ts";
import { packages, workspace } from "./workspace.ts";

const tested = packages.filter(({ folder }) =>
  showsResults(folder)
    ? globSync("test/conformance*.test.ts", { cwd: join(workspace, folder) }).length > 0
    : false,
);

interface Case {
  readonly id: string;
  readonly title: string;
}

/** The cases of the suite for a package of this kind. */
const suites: readonly (readonly [RegExp, readonly Case[]])[] = [
  [/^packages\/resolver-/, resolverCases],
  [/^packages\/middleware-/, middlewareCases],
  [/^packages\/tracing-/, tracingCases],
  [/^packages\/resiliency$/, resiliencyCases],
  [/^packages\/metrics-prometheus$/, metricsCases],
  [/^packages\/logging$/, loggerCases],
];

function casesFor(folder: string): readonly Case[] {
  return suites.find(([kind]) => kind.test(folder))?.[1] ?? [];
}

test.for(tested.map((owner) => [owner.folder, owner] as const))(
  "the README of %s shows the suite as it is (else: npm run conformance:tables)",
  ([, owner]) => {
    const rows = readRows(owner.read("README.md"));
    expect(rows, "no conformance table").toBeDefined();
    const shown = rows?.map(({ id, title }) => ({ id, title }));
    const cases = casesFor(owner.folder);
    expect(shown).toEqual(cases.map(({ id, title }) => ({ id, title })));
    for (const { id, results } of rows ?? []) {
      expect(results.length, id).toBeGreaterThan(0);
      for (const result of results) {
        expect(result, id).toMatch(/^(?:passed|does not apply|known failure)$/);
      }
    }
  },
);

describe("a table", () => {
  const one: CaseOutcome = { suite: "s", id: "a/b", title: "one | two", outcome: "passed" };
  const other: CaseOutcome = { suite: "t", id: "a/b", title: "one | two", outcome: "skipped" };

  test("is read as it was written, with a column per suite", () => {
    const readme = withSection("# x\n\n## Errors\n\nNone.\n", formatSection([one, other]));
    expect(readRows(readme)).toEqual([
      { id: "a/b", title: "one | two", results: ["passed", "does not apply"] },
    ]);
    expect(readme.indexOf("## Conformance")).toBeLessThan(readme.indexOf("## Errors"));
    expect(readme).toContain("`s`: 1 of 1 cases passed.");
  });

  test("goes into the section that is there, and replaces only what it wrote", () => {
    const first = withSection("# x\n\n## Conformance\n\nWords.\n", formatSection([one]));
    const second = withSection(first, formatSection([{ ...one, id: "c" }]));
    expect(second.match(/## Conformance/g)).toHaveLength(1);
    expect(second).toContain("Words.");
    expect(readRows(second)?.map(({ id }) => id)).toEqual(["c"]);
  });

  test("is missing where there are no markers", () => {
    expect(readRows("| `a` | b | passed |")).toBeUndefined();
  });
});
