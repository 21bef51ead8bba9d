import { type ConformanceCase, formatReport, runConformance } from "@outrigger/conformance";
import { registerCases } from "@outrigger/conformance/vitest";
import { expect, test } from "vitest";

const cases: readonly ConformanceCase<{ readonly fast: boolean }>[] = [
  { id: "x/good", title: "is fine", run: async () => undefined },
  {
    id: "x/bad",
    title: "is not",
    run: async () => {
      throw new Error("two\nlines");
    },
  },
  { id: "x/fast", title: "is fast", appliesTo: ({ fast }) => fast, run: async () => undefined },
];
const setup = () => ({ subject: { fast: false } });

test("a run tells passed, failed and skipped cases apart", async () => {
  const results = await runConformance(cases, setup);

  expect(formatReport(results)).toBe(
    [
      "passed   x/good: is fine",
      "failed   x/bad: is not",
      "    two",
      "    lines",
      "skipped  x/fast: is fast",
      "1 of 3 passed, 1 failed, 1 skipped",
    ].join("\n"),
  );
});

test("a known failure does not fail, and fails once it passes", async () => {
  const knownFailures = { "x/bad": "issue 1", "x/good": "issue 2" };

  const results = await runConformance(cases, setup, { knownFailures });

  expect(results.map(({ outcome }) => outcome)).toEqual(["failed", "known-failure", "skipped"]);
  expect(String(results[0]?.failure)).toContain("issue 2");
});

test("a case that hangs ends with its time, and its subject is released", async () => {
  let released = false;
  const hanging = [{ id: "x/hang", title: "hangs", run: () => new Promise<void>(() => undefined) }];

  const [result] = await runConformance(
    hanging,
    () => ({
      subject: {},
      teardown: () => {
        released = true;
      },
    }),
    { timeoutMs: 20 },
  );

  expect(String(result?.failure)).toContain("x/hang did not end within 20 ms");
  expect(released).toBe(true);
});

test("a setup that fails is a failed case", async () => {
  const [result] = await runConformance(cases, () => Promise.reject(new Error("no registry")));

  expect(String(result?.failure)).toContain("no registry");
});

test("a known failure with a wrong id is refused", () => {
  const options = { name: "x", setup, knownFailures: { "x/gone": "renamed" } };

  expect(() => registerCases(cases, options)).toThrow("x/gone");
});
