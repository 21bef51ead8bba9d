import { type MetricsSubject, metricsCases, runCase } from "@outrigger/conformance";
import { describe, expect, test } from "vitest";
import { subject } from "./conformance-subject.ts";
import { metricsFaults } from "./metrics-faults.ts";

/** Cases that a fault cannot but break too, because they stand on the same behaviour. */
const also: Readonly<Record<string, readonly string[]>> = {};

/** Takes longer than all the others together: only its own fault meets it. */
const costly = "metrics/labels/bounded";

async function failuresOf(broken: MetricsSubject, id: string): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const each of metricsCases) {
    if (each.id === costly && id !== costly) continue;
    const { outcome } = await runCase(each, () => ({ subject: broken }), { timeoutMs: 4_000 });
    if (outcome !== "passed") failed.push(each.id);
  }
  return failed;
}

describe("the suite for metrics recorders", () => {
  test("each case has a broken recorder", () => {
    expect(Object.keys(metricsFaults).sort()).toEqual(metricsCases.map(({ id }) => id).sort());
  });

  test.for(Object.entries(metricsFaults))("%s alone fails its fault", async ([id, fault]) => {
    const failed = await failuresOf(fault(subject), id);
    expect([...failed].sort()).toEqual([id, ...(also[id] ?? [])].sort());
  });
});
