import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watchPaths } from "@outrigger/resources";
import { expect, test, vi } from "vitest";

// As on a system whose watches are used up.
vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  watch: () => {
    throw new Error("ENOSPC: no space left on device, watch");
  },
}));

test("what cannot be watched is looked at again and again, and said so once", async () => {
  const root = mkdtempSync(join(tmpdir(), "outrigger-poll-"));
  const faults: string[] = [];
  let reports = 0;
  const thirdReport = new Promise<void>((resolve) => {
    const watch = watchPaths({
      directories: [root],
      files: [],
      settleMs: 5,
      pollMs: 10,
      reconcileMs: 3_600_000,
      onChange: () => {
        reports += 1;
        writeFileSync(join(root, "a.yaml"), `${reports}`);
        if (reports < 3) return;
        watch.close();
        resolve();
      },
      onFault: (problem) => faults.push(problem),
    });
  });
  await thirdReport;
  rmSync(root, { recursive: true, force: true });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain("ENOSPC");
});
