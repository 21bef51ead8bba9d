import assert from "node:assert/strict";
import { isOutriggerError, type OutriggerErrorCode } from "@outrigger/core";
import type { CallRecord } from "./bench.ts";

/** Rejects unless the attempts began at these times. */
export function expectAttempts(record: CallRecord, times: readonly number[]): void {
  assert.deepEqual(record.attempts, times, "when the attempts began");
}

/** Rejects unless so many attempts were made, and the call is over. */
export function expectCount(record: CallRecord, count: number, what = "attempts"): void {
  assert.equal(record.attempts.length, count, what);
  assert.ok(record.over, `${what}: the call is not over`);
}

/** Rejects unless the call failed with this code. */
export function expectFailure(record: CallRecord, code: OutriggerErrorCode, text?: string): void {
  const { reason } = record;
  assert.ok(record.over, `expected ${code}, but the call is not over`);
  assert.ok(
    isOutriggerError(reason, code),
    `expected ${code}, got ${reason === undefined ? record.value : String(reason)}`,
  );
  if (text !== undefined) assert.ok(reason.message.endsWith(text), reason.message);
}

/** Rejects unless a number lies within bounds, both included. */
export function expectWithin(value: number, from: number, to: number, what: string): void {
  assert.ok(value >= from && value <= to, `${what}: ${value}, expected ${from} to ${to}`);
}

/** The pauses between attempts that take no time. */
export function pausesOf({ attempts }: CallRecord): readonly number[] {
  return attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
}
