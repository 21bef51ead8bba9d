import { runCase, type TracingSubject, tracingCases } from "@outrigger/conformance";
import { describe, expect, test } from "vitest";
import { memorySubject } from "./conformance-subject.ts";
import { tracingFaults } from "./tracing-faults.ts";

/** Cases that a fault cannot but break too, because they stand on the same behaviour. */
const also: Readonly<Record<string, readonly string[]>> = {};

async function failuresOf(make: () => TracingSubject): Promise<readonly string[]> {
  const results = await Promise.all(
    tracingCases.map((each) => runCase(each, () => ({ subject: make() }), { timeoutMs: 8_000 })),
  );
  return results.filter(({ outcome }) => outcome !== "passed").map(({ id }) => id);
}

describe("the suite for tracers", () => {
  test("each case has a broken tracer", () => {
    expect(Object.keys(tracingFaults).sort()).toEqual(tracingCases.map(({ id }) => id).sort());
  });

  test("a tracer that does everything right passes every case", async () => {
    expect(await failuresOf(memorySubject)).toEqual([]);
  });

  test.concurrent.for(Object.entries(tracingFaults))(
    "%s alone fails its fault",
    { timeout: 20_000 },
    async ([id, fault], context) => {
      const failed = await failuresOf(() => fault(memorySubject()));
      context.expect([...failed].sort()).toEqual([id, ...(also[id] ?? [])].sort());
    },
  );
});
