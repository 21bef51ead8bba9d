import { type LoggerSubject, loggerCases, runCase } from "@outrigger/conformance";
import { describe, expect, test } from "vitest";
import { subject } from "./conformance-subject.ts";
import { loggerFaults } from "./logger-faults.ts";

/** Cases that a fault cannot but break too, because they stand on the same behaviour. */
const also: Readonly<Record<string, readonly string[]>> = {};

async function failuresOf(broken: LoggerSubject): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const each of loggerCases) {
    const { outcome } = await runCase(each, () => ({ subject: broken }), { timeoutMs: 4_000 });
    if (outcome !== "passed") failed.push(each.id);
  }
  return failed;
}

describe("the suite for loggers", () => {
  test("each case has a broken logger", () => {
    expect(Object.keys(loggerFaults).sort()).toEqual(loggerCases.map(({ id }) => id).sort());
  });

  test.for(Object.entries(loggerFaults))("%s alone fails its fault", async ([id, fault]) => {
    const failed = await failuresOf(fault(subject));
    expect([...failed].sort()).toEqual([id, ...(also[id] ?? [])].sort());
  });
});
