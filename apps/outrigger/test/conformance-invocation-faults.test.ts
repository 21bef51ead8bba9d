import {
  type InvocationPair,
  type InvocationSubject,
  invocationCases,
  runCase,
} from "@outrigger/conformance";
import { memoryNetwork, transportMemory } from "@outrigger/transport-memory";
import { expect, test } from "vitest";
import type { Fault } from "./invocation-breakage.ts";
import { deaf, faultsOf, unusedFaults } from "./invocation-faults.ts";
import { invocationPairs, invocationSubject } from "./invocation-subject.ts";

const ids = invocationCases.map(({ id }) => id);

/** What is sound passes, however busy the machine is. */
const soundLimitMs = 20_000;

/** Faults that make a case wait for ever cost this much; the others show at once. */
function timeOf(id: string): number {
  return id.startsWith("invocation/timing/") ? 600 : 1_500;
}

/** The transport is not what is broken here. */
function memoryTransport(): InvocationSubject["transport"] {
  const transport = transportMemory({ network: memoryNetwork() });
  return { caller: transport, callee: transport };
}

async function outcomeWith(
  id: string,
  pair: InvocationPair,
  fault: Fault,
  timeoutMs: number = timeOf(id),
): Promise<string> {
  const testCase = invocationCases.find((each) => each.id === id);
  if (testCase === undefined) throw new Error(`no case ${id}`);
  const setup = (): { readonly subject: InvocationSubject; teardown(): Promise<void> } => {
    const made = invocationSubject(pair, memoryTransport());
    return { ...made, subject: fault(made.subject) };
  };
  return (await runCase(testCase, setup, { timeoutMs })).outcome;
}

test.concurrent.for(ids)(
  "%s catches what is broken, for every pair that it applies to",
  { timeout: 120_000 },
  async (id) => {
    const broken = faultsOf(id);
    expect(broken.length).toBeGreaterThan(0);
    const outcomes = new Set<string>();
    for (const pair of invocationPairs) {
      const sound = await outcomeWith(id, pair, (subject) => subject, soundLimitMs);
      if (sound !== "skipped") expect([pair, sound]).toEqual([pair, "passed"]);
      for (const [index, fault] of broken.entries()) {
        const outcome = await outcomeWith(id, pair, fault);
        if (outcome === "skipped") break;
        outcomes.add(outcome === "passed" ? `${pair} passed with fault ${index}` : outcome);
      }
    }
    expect([...outcomes]).toEqual(["failed"]);
  },
);

test("a deadline that does not end the app's request is caught", async () => {
  expect(await outcomeWith("invocation/timing/deadline", "grpc-http", deaf)).toBe("failed");
});

test("every fault belongs to a case, and ids are unique", () => {
  expect(unusedFaults(ids)).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});
