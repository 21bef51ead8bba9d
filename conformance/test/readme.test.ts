import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkReadme } from "../src/readme.ts";
import type { CaseResult } from "../src/report.ts";

const results: readonly CaseResult[] = [
  { id: "area/good", title: "works", outcome: "passed", durationMs: 3 },
  { id: "area/bad", title: "does not", outcome: "known-failure", durationMs: 4, failure: "$&" },
];
const knownFailures = { "area/bad": "nobody can" };
const shown = `passed         area/good: works
known-failure  area/bad: does not
    nobody can
1 of 2 passed, 1 known-failure`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outrigger-readme-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function readme(text: string): URL {
  const path = join(folder, "README.md");
  writeFileSync(path, text);
  return pathToFileURL(path);
}

const around = (block: string) =>
  `# Name\n\n\`\`\`text\nother\n\`\`\`\n\n## Conformance\n\nIt passes.\n\n\`\`\`text\n${block}\n\`\`\`\n\n## Errors\n`;

test("accepts what the run has shown, whatever the time it took", () => {
  expect(() => checkReadme(readme(around(shown)), results, knownFailures)).not.toThrow();
});

test("refuses another result, and leaves the file alone", () => {
  const url = readme(around(shown.replace("1 of 2", "2 of 2")));
  expect(() => checkReadme(url, results, knownFailures)).toThrow("UPDATE_README=true");
  expect(readFileSync(url, "utf8")).toContain("2 of 2");
});

test("refuses a README without a place for it", () => {
  for (const text of ["# Name\n", "# Name\n\n## Conformance\n\nAll is well.\n"]) {
    expect(() => checkReadme(readme(text), results, knownFailures)).toThrow("no text block");
  }
});

test("puts the result there when it is told to, and nowhere else", () => {
  vi.stubEnv("UPDATE_README", "true");
  const url = readme(around("none yet"));
  checkReadme(url, results, knownFailures);
  expect(readFileSync(url, "utf8")).toBe(around(shown));
});
