import { type AttemptResult, isOutriggerError, OutriggerError } from "@outrigger/core";
import { calls, component, type Fault, results, running, timing } from "./broken-policies.ts";

/** Turns what calls fail with into something else. */
function failing(change: (reason: unknown) => unknown): Fault {
  return running(
    () => (policy, call) =>
      policy.run(call).catch((reason: unknown) => {
        throw change(reason);
      }),
  );
}

/** Takes the failure of the n-th attempt after a refusal for a success. */
function probeForgiven(probe: number): Fault {
  return running(() => {
    const probes = new Map<string, number>();
    return (policy, call, { key }) => {
      const attempt = async (signal: AbortSignal) => {
        const result = await call.attempt(signal);
        const seen = probes.get(key);
        if (seen === undefined) return result;
        probes.set(key, seen + 1);
        return seen + 1 === probe ? { value: result.value } : result;
      };
      return policy.run({ ...call, attempt }).catch((reason: unknown) => {
        if (isOutriggerError(reason, "OTR_CIRCUIT_OPEN")) probes.set(key, 0);
        throw reason;
      });
    };
  });
}

function refusal(): OutriggerError {
  return new OutriggerError("circuit breaker is open", { code: "OTR_CIRCUIT_OPEN" });
}

/** Closes for two calls only. */
const closesHalf = running(() => {
  const passed = new Map<string, number>();
  return async (policy, call, { key }) => {
    if ((passed.get(key) ?? 0) > 2) throw refusal();
    try {
      const value = await policy.run(call);
      const count = passed.get(key);
      if (count !== undefined) passed.set(key, count + 1);
      return value;
    } catch (reason) {
      if (isOutriggerError(reason, "OTR_CIRCUIT_OPEN")) passed.set(key, 0);
      throw reason;
    }
  };
});

/** A failure counts whenever it comes, however long ago its attempt began. */
const countsOldFailures = running(() => {
  let blockedUntil = 0;
  return (policy, call, { clock }) => {
    if (clock.now() < blockedUntil) return Promise.reject(refusal());
    const attempt = async (signal: AbortSignal) => {
      const startedAt = clock.now();
      const result = await call.attempt(signal);
      if (result.failure && clock.now() - startedAt >= 5_000) blockedUntil = clock.now() + 5_000;
      return result;
    };
    return policy.run({ ...call, attempt });
  };
});

/** Faults in making attempts, by the case that must catch them. */
export const runFaults: Readonly<Record<string, Fault>> = {
  "resiliency/retry/constant": calls(() => ({ retrying: () => undefined })),
  // A success that follows an error is not believed.
  "resiliency/retry/success": calls((call) => {
    let threw = false;
    return {
      attempt: async (signal) => {
        try {
          const result = await call.attempt(signal);
          return threw ? { ...result, failure: { code: undefined } } : result;
        } catch (reason) {
          threw = true;
          throw reason;
        }
      },
    };
  }),
  "resiliency/retry/says-so": component((inner) => ({
    policyFor: (target, key) => {
      const policy = inner.policyFor(target, key);
      return (
        policy && { retries: policy.retries, maxReplayBytes: 0, run: (call) => policy.run(call) }
      );
    },
  })),
  "resiliency/retry/last-answer": running(() => async (policy, call) => {
    let failures = 0;
    const attempt = async (signal: AbortSignal) => {
      const result = await call.attempt(signal);
      if (result.failure) failures += 1;
      return result;
    };
    const value = await policy.run({ ...call, attempt });
    if (failures === 3) call.discard(value);
    return value;
  }),
  "resiliency/retry/last-error": failing((reason) =>
    isOutriggerError(reason) ? reason : new Error("it failed", { cause: reason }),
  ),
  "resiliency/retry/not-whole": calls(() => ({ repeatable: () => true })),
  "resiliency/retry/caller-leaves": failing((reason) =>
    isOutriggerError(reason, "OTR_ABORTED") ? new Error("aborted") : reason,
  ),
  "resiliency/retry/caller-left": running(() => async (policy, call) => {
    const value = await policy.run(call);
    if (call.signal.aborted) await call.attempt(call.signal);
    return value;
  }),
  "resiliency/retry/deadline": calls(() => ({ deadlineMs: undefined })),
  "resiliency/codes/no-protocol": results((result) => {
    const code = result.failure?.code ?? 0;
    const isNone = (code > 16 && code < 100) || code > 599;
    return isNone ? { ...result, failure: { code: undefined } } : result;
  }),
  "resiliency/codes/without-code": results((result) =>
    result.failure && result.failure.code === undefined
      ? { ...result, failure: { code: 500 } }
      : result,
  ),
  "resiliency/timeout/hanging": failing((reason) =>
    isOutriggerError(reason, "OTR_TIMEOUT")
      ? new OutriggerError("too slow", { code: "OTR_TIMEOUT" })
      : reason,
  ),
  "resiliency/timeout/retried": calls((call) => {
    let last: AbortSignal | undefined;
    return {
      attempt: (signal) => {
        last = signal;
        return call.attempt(signal);
      },
      repeatable: () => last?.aborted !== true && call.repeatable(),
    };
  }),
  // 100 ms for the whole call, pauses included.
  "resiliency/timeout/per-attempt": running(() => (policy, call, { clock }) => {
    const endsAt = clock.now() + 100;
    let isSlow = false;
    return policy.run({
      ...call,
      attempt: async (signal) => {
        if (isSlow) throw new OutriggerError("too late", { code: "OTR_TIMEOUT" });
        const startedAt = clock.now();
        const result = await call.attempt(signal);
        isSlow = clock.now() - startedAt >= 80 && clock.now() < endsAt;
        return result;
      },
    });
  }),
  "resiliency/timeout/fast": timing((clock) => (delayMs, callback) => {
    const cancel = clock.after(delayMs, callback);
    return delayMs >= 30_000 ? () => undefined : cancel;
  }),
  "resiliency/timeout/late-answer": calls((call) => {
    let last: AbortSignal | undefined;
    return {
      attempt: (signal) => {
        last = signal;
        return call.attempt(signal);
      },
      discard: (value) => {
        if (last?.aborted !== true) call.discard(value);
      },
    };
  }),
  "resiliency/timeout/covers-the-body": results(({ ended: _ignored, ...result }) => result),
  "resiliency/timeout/streams": calls(() => ({ untimed: false })),
  "resiliency/breaker/probe-succeeds": closesHalf,
  "resiliency/breaker/probe-fails": probeForgiven(1),
  "resiliency/breaker/all-probes": probeForgiven(2),
  "resiliency/breaker/old-outcomes": countsOldFailures,
  // The answer that opened it, in place of the news that it is open.
  "resiliency/breaker/ends-retries": running(() => async (policy, call) => {
    const answers: AttemptResult<unknown>[] = [];
    const attempt = async (signal: AbortSignal) => {
      const result = await call.attempt(signal);
      answers.push(result);
      return result;
    };
    try {
      return await policy.run({ ...call, attempt });
    } catch (reason) {
      if (answers.length === 0 || !isOutriggerError(reason, "OTR_CIRCUIT_OPEN")) throw reason;
      throw new Error("the last answer", { cause: reason });
    }
  }),
  "resiliency/trip/failures-of-every-kind": results((result, { retries }) =>
    !retries && result.failure?.code === 404 ? { value: result.value } : result,
  ),
  "resiliency/trip/broken-answers": results((result) =>
    result.ended === undefined ? result : { ...result, ended: result.ended.then(() => true) },
  ),
  // Who comes while another call is under way is tried once.
  "resiliency/conduct/calls-apart": running(() => {
    let underWay = 0;
    return async (policy, call) => {
      const isFirst = underWay === 0;
      underWay += 1;
      try {
        return await policy.run({ ...call, repeatable: () => isFirst && call.repeatable() });
      } finally {
        underWay -= 1;
      }
    };
  }),
  "resiliency/conduct/no-leaks": running(() => (policy, call) => {
    call.signal.addEventListener("abort", () => undefined);
    return policy.run(call);
  }),
  "resiliency/conduct/yields": timing((clock) => (delayMs, callback) => {
    if (delayMs > 0) return clock.after(delayMs, callback);
    queueMicrotask(callback);
    return () => undefined;
  }),
  "resiliency/conduct/lifecycle": component(() => {
    let stops = 0;
    return {
      stop: async () => {
        if (++stops > 1) throw new Error("stopped twice");
      },
    };
  }),
};
