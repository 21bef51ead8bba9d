import { isOutriggerError } from "@outrigger/core";
import { expect, test } from "vitest";
import { failed, PolicyBench, succeeded } from "./policy-call.ts";

const apps = { orders: { timeout: "t", retry: "r" } };
const hanging = (): Promise<never> => new Promise(() => undefined);

test("each attempt has its own time, and one that hangs is given up", async () => {
  const bench = new PolicyBench({
    timeouts: { t: 100 },
    retries: { r: { durationMs: 50, maxRetries: 1 } },
    apps,
  });
  const signals: AbortSignal[] = [];
  const call = bench
    .call((_number, signal) => {
      signals.push(signal);
      return hanging();
    })
    .catch((reason) => reason);
  await bench.clock.advance(250);
  const reason = await call;
  expect(isOutriggerError(reason, "OTR_TIMEOUT")).toBe(true);
  expect(reason.message).toBe("context deadline exceeded");
  expect(bench.attempts).toEqual([0, 150]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(bench.events.filter(({ type }) => type === "activation")).toEqual([
    { type: "activation", target: "orders", policy: "timeout" },
    { type: "activation", target: "orders", policy: "retry" },
  ]);
});

test("a fast call leaves no timer behind", async () => {
  const bench = new PolicyBench({ timeouts: { DefaultAppTimeoutPolicy: 30_000 } });
  expect(await bench.call(() => succeeded)).toBe("ok");
  expect(bench.clock.pending).toBe(0);
});

test("the time runs until the answer has been passed on", async () => {
  const bench = new PolicyBench({ timeouts: { t: 100 }, apps });
  let aborted: AbortSignal | undefined;
  await bench.call((_number, signal) => {
    aborted = signal;
    return { value: "head", ended: hanging() };
  });
  expect(aborted?.aborted).toBe(false);
  await bench.clock.advance(100);
  expect(isOutriggerError(aborted?.reason, "OTR_TIMEOUT")).toBe(true);
});

test("a late answer is thrown away", async () => {
  const bench = new PolicyBench({ timeouts: { t: 100 }, apps });
  const discarded: string[] = [];
  let answer: (value: { value: string }) => void = () => undefined;
  const call = bench.policy()?.run<string>({
    signal: new AbortController().signal,
    deadlineMs: undefined,
    attempt: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
    repeatable: () => true,
    discard: (value) => void discarded.push(value),
  });
  const outcome = call?.catch((reason: Error) => reason.message);
  await bench.clock.advance(100);
  expect(await outcome).toBe("context deadline exceeded");
  answer({ value: "late" });
  await bench.clock.settle();
  expect(discarded).toEqual(["late"]);
});

test("the caller's end is passed on to the attempt", async () => {
  const bench = new PolicyBench({ timeouts: { t: 100 }, apps });
  const caller = new AbortController();
  const call = bench
    .call(
      (_number, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      { signal: caller.signal },
    )
    .catch((reason) => reason);
  await bench.clock.settle();
  caller.abort("left");
  expect(await call).toBe("left");
  expect(bench.clock.pending).toBe(0);
});

test.each([0, -1])("a limit of %d is none", async (timeout) => {
  const bench = new PolicyBench({ timeouts: { t: timeout }, apps });
  expect(await bench.call(() => failed(500))).toBe("failed 500");
  expect(bench.clock.pending).toBe(0);
});

test("streams are not timed", async () => {
  const bench = new PolicyBench({ timeouts: { t: 100 }, apps });
  await bench.call(() => succeeded, { untimed: true });
  expect(bench.clock.pending).toBe(0);
});
