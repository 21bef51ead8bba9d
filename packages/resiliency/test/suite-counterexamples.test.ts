import { type ResiliencySubject, resiliencyCases, runCase } from "@outrigger/conformance";
import { describe, expect, test } from "vitest";
import { subject } from "./conformance-subject.ts";
import { ruleFaults } from "./rule-faults.ts";
import { runFaults } from "./run-faults.ts";

const faults = { ...ruleFaults, ...runFaults };

/** Cases that a fault cannot but break too, because they stand on the same behaviour. */
const also: Readonly<Record<string, readonly string[]>> = {
  "resiliency/breaker/opens": ["resiliency/breaker/probe-fails"],
  "resiliency/breaker/per-key": ["resiliency/breaker/remembers-so-many"],
  "resiliency/timeout/retried": ["resiliency/default/precedence"],
  "resiliency/timeout/covers-the-body": ["resiliency/trip/broken-answers"],
};

async function failuresOf(broken: ResiliencySubject): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const each of resiliencyCases) {
    const { outcome } = await runCase(each, () => ({ subject: broken }), { timeoutMs: 4_000 });
    if (outcome !== "passed") failed.push(each.id);
  }
  return failed;
}

describe("the suite for policies", () => {
  test("each case has a broken policy", () => {
    expect(Object.keys(faults).sort()).toEqual(resiliencyCases.map(({ id }) => id).sort());
  });

  test.for(Object.entries(faults))("%s alone fails its fault", async ([id, fault]) => {
    const failed = await failuresOf(fault(subject));
    expect([...failed].sort()).toEqual([id, ...(also[id] ?? [])].sort());
  });
});
