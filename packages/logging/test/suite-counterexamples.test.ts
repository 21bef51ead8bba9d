import { type LoggerSubject, loggerCases, runCase } from "@outrigger/conformance";
import { describe, expect, test } from "vitest";
import { subject } from "./conformance-subject.ts";
import { loggerFaults } from "./logger-faults.ts";

/** Cases that a fault cannot but break too, because they stand on the same behaviour. */
const also: Readonly<Record<string, readonly string[]>> = {};

/** Take longer than all the others together: faults of a stalled output alone meet them. */
const costly = "logging/stalled/";

async function failuresOf(broken: LoggerSubject, id: string): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const each of loggerCases) {
    if (each.id.startsWith(costly) && !id.startsWith(costly)) continue;
    const { outcome } = await runCase(each, () => ({ subject: broken }), { timeoutMs: 4_000 });
    if (outcome !== "passed") failed.push(each.id);
  }
  return failed;
}

describe("the suite for loggers", () => {
  test("each case has a broken logger", () => {
    expect(Object.keys(loggerFaults).sort()).toEqual(loggerCases.map(({ id }) => id).sort());
  });

  test.for(Object.entries(loggerFaults))(
    "%s alone fails its fault",
    { timeout: 30_000 },
    async ([id, fault]) => {
      const failed = await failuresOf(fault(subject), id);
      expect([...failed].sort()).toEqual([id, ...(also[id] ?? [])].sort());
    },
  );
});
