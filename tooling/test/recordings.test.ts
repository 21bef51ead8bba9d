import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "./run-command.ts";
import { workspace } from "./workspace.ts";

interface Outcome {
  readonly id: string;
  readonly name: string;
  readonly differs: boolean;
  readonly differences: readonly string[];
}

interface Judgement {
  readonly counts: Readonly<Record<"passed" | "failed" | "pending" | "deviating", number>>;
  readonly lines: readonly string[];
}

interface Expectation {
  readonly deviations?: Readonly<Record<string, string>>;
  readonly pending?: Readonly<Record<string, string>>;
}

const folder = join(workspace, "tooling/recordings");

async function judge(outcomes: Outcome[], expectation: Expectation): Promise<Judgement> {
  const path = join(folder, "judge.mjs");
  const module: { judge(o: Outcome[], e: Required<Expectation>): Judgement } = await import(path);
  return module.judge(outcomes, { deviations: {}, pending: {}, ...expectation });
}

function outcome(name: string, ...differences: string[]): Outcome {
  const id = name.split("/").at(-1) ?? name;
  return { id, name, differs: differences.length > 0, differences };
}

test("a case that differs from the recording fails, and its difference is shown", async () => {
  const { counts, lines } = await judge([outcome("paths/a", "- 200"), outcome("paths/b")], {});
  expect(counts).toMatchObject({ passed: 1, failed: 1 });
  expect(lines.join("\n")).toContain("FAIL paths/a\n    - 200");
});

test("a pending case may differ", async () => {
  const { counts } = await judge([outcome("cors/a", "x")], { pending: { "^cors/": "CORS" } });
  expect(counts).toMatchObject({ pending: 1, failed: 0 });
});

test("a pending entry that is no longer needed is reported", async () => {
  const { counts, lines } = await judge([outcome("cors/a")], { pending: { "^cors/": "CORS" } });
  expect(counts).toMatchObject({ passed: 1, pending: 0 });
  expect(lines.join("\n")).toContain("remove the entry");
});

test("a declared deviation has to differ", async () => {
  const deviations = { a: "a reason", b: "a reason" };
  const { counts } = await judge([outcome("s/a", "x"), outcome("s/b")], { deviations });
  expect(counts).toMatchObject({ deviating: 1, failed: 1 });
});

test("results of each area are read, whatever their shape", async () => {
  const module: { readOutcomes(results: unknown): Outcome[] } = await import(
    join(folder, "outcomes.mjs")
  );
  const http = [{ scenario: "s", id: "a", ok: false, differences: ["x"] }];
  const grpc = [{ scenario: "s", id: "a", state: "failed", problems: ["x"] }];
  const runtime = { cases: [{ id: "s/a", ok: false, diff: ["x"] }] };
  for (const results of [http, grpc, runtime]) {
    expect(module.readOutcomes(results)).toMatchObject([{ name: "s/a", differs: true }]);
  }
  const obsolete = [
    { id: "a", state: "failed", problems: ['listed ("r") but it no longer differs'] },
  ];
  expect(module.readOutcomes(obsolete)).toMatchObject([{ differs: false }]);
});

test("without the recordings folder nothing runs, and that is said", async () => {
  process.env.OUTRIGGER_RECORDINGS = join(workspace, "no-such-folder");
  const { code, output } = await runCommand(process.execPath, [join(folder, "run.mjs")], {
    cwd: workspace,
    limitMs: 15_000,
  });
  delete process.env.OUTRIGGER_RECORDINGS;
  expect(output).toContain("RECORDINGS NOT REPLAYED");
  expect(output).toMatch(/\n0 passed, 0 failed/);
  expect(code).toBe(0);
});
