import { type DaprResiliency, resiliencyFromDapr } from "@outrigger/resiliency";
import { expect, test } from "vitest";

const retry = {
  ...{ policy: "", duration: "", maxInterval: "", maxRetries: undefined },
  ...{ httpStatusCodes: "", grpcStatusCodes: "" },
};
const breaker = { maxRequests: undefined, interval: "", timeout: "", trip: "" };
const target = { timeout: "", retry: "", circuitBreaker: "", circuitBreakerCacheSize: undefined };

function resource(spec: Partial<DaprResiliency["spec"]>, name = "policy"): DaprResiliency {
  const empty = { timeouts: {}, retries: {}, circuitBreakers: {}, apps: {}, actors: {} };
  return { name, spec: { ...empty, ...spec } };
}

test.each([
  ["5000", 5_000],
  ["5s", 5_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1_500],
  ["100ms", 100],
  ["-1s", -1_000],
  ["250us", 0.25],
])("a duration of %s is %d ms", (text, expected) => {
  const { options, problems } = resiliencyFromDapr([resource({ timeouts: { t: text } })]);
  expect(problems).toEqual([]);
  expect(options.timeouts).toEqual({ t: expected });
});

test("an empty field counts as absent, a policy's name has no letter case", () => {
  const { options, problems } = resiliencyFromDapr([
    resource({
      retries: { r: { ...retry, policy: "Exponential", maxInterval: "15s", maxRetries: 10 } },
      circuitBreakers: { cb: { ...breaker, interval: "0", timeout: "30s", trip: "requests > 1" } },
      apps: { orders: { ...target, retry: "r" } },
    }),
  ]);
  expect(problems).toEqual([]);
  expect(options.retries?.r).toEqual({
    ...{ policy: "exponential", durationMs: undefined, maxIntervalMs: 15_000, maxRetries: 10 },
    ...{ httpStatusCodes: "", grpcStatusCodes: "" },
  });
  expect(options.circuitBreakers?.cb).toMatchObject({ intervalMs: 0, timeoutMs: 30_000 });
  expect(options.apps?.orders?.retry).toBe("r");
});

const wrong = (spec: Partial<DaprResiliency["spec"]>): string =>
  resiliencyFromDapr([resource(spec)]).problems.join();

test.each([
  ["1d", 'time: unknown unit "d" in duration "1d"'],
  ["1.5", 'time: missing unit in duration "1.5"'],
  ["soon", 'time: invalid duration "soon"'],
  ["", 'time: invalid duration ""'],
])("a timeout of %j is refused in Dapr's words", (text, cause) => {
  expect(wrong({ timeouts: { t: text } })).toBe(
    `Could not read resiliency policy policy: invalid duration "t", ${text}: ${cause}`,
  );
});

test.each([
  [{ policy: "linear" }, "unexpected back off policy type: linear"],
  [{ duration: "1d" }, `error decoding 'duration': time: unknown unit "d" in duration "1d"`],
  [{ httpStatusCodes: "11" }, "invalid pattern 11, start code 11 is not valid"],
  [{ httpStatusCodes: "500-600" }, "invalid pattern 500-600, end code 600 is not valid"],
  [{ grpcStatusCodes: "400" }, "invalid pattern 400, start code 400 is not valid"],
  [
    { httpStatusCodes: "399-299" },
    "invalid pattern 399-299, start value should not bigger than end value",
  ],
  [{ httpStatusCodes: "199-299-300" }, "invalid pattern 199-299-300, more than one '-' exists"],
  [
    { httpStatusCodes: "500, 502" },
    'failed to parse start code  502 from pattern  502 to int, strconv.Atoi: parsing " 502": invalid syntax',
  ],
])("a retry with %j is refused in Dapr's words", (fields, cause) => {
  expect(wrong({ retries: { r: { ...retry, ...fields } } })).toBe(
    `Could not read resiliency policy policy: invalid retry configuration "r": ${cause}`,
  );
});

test.each([
  ["consecutiveFailures >", "Unexpected token"],
  ['"a" + 1 == "a1"', "no such overload"],
  ["1 && true", "bool"],
])("a breaker that trips on %s is refused", (trip, cause) => {
  const problem = wrong({ circuitBreakers: { cb: { ...breaker, trip } } });
  expect(problem).toMatch(
    /^Could not read resiliency policy policy: invalid retry configuration "cb": /,
  );
  expect(problem).toContain(cause);
  expect(problem).not.toContain("\n");
});

test("other mistakes", () => {
  expect(wrong({ circuitBreakers: { cb: { ...breaker, maxRequests: -1 } } })).toContain(
    "overflows",
  );
  expect(wrong({ apps: { a: { ...target, circuitBreakerCacheSize: -1 } } })).toContain("positive");
  const actor = { ...target, circuitBreaker: "cb", circuitBreakerScope: "" };
  expect(wrong({ actors: { a: actor } })).toContain("actor circuit breakers must include scope");
  expect(wrong({ actors: { a: { ...actor, circuitBreakerScope: "x" } } })).toContain(
    'unknown circuit breaker scope "x"',
  );
  expect(wrong({ actors: { a: { ...actor, circuitBreakerScope: "both" } } })).toBe("");
});

test("hedges and a retry budget, which are not Dapr's, are read like the rest", () => {
  const { options, problems } = resiliencyFromDapr([
    resource({
      hedges: { h: { delay: "50ms", maxAttempts: 3 } },
      retryBudget: { ratio: "0.1", minPerSecond: "" },
      apps: { orders: { ...target, hedge: "h" } },
    }),
    resource({ hedges: { other: { delay: "20", maxAttempts: undefined } } }),
  ]);
  expect(problems).toEqual([]);
  expect(options).toMatchObject({
    hedges: { h: { delayMs: 50, maxAttempts: 3 }, other: { delayMs: 20 } },
    retryBudget: { ratio: 0.1, minPerSecond: undefined },
    apps: { orders: { hedge: "h" } },
  });
});

test.each([
  ["", undefined, 'time: invalid duration ""'],
  ["-1s", undefined, "delay -1s is negative"],
  ["50ms", 1, "maxAttempts 1 is not between 2 and 5"],
  ["50ms", 6, "maxAttempts 6 is not between 2 and 5"],
])("a hedge with %j and %j attempts is refused", (delay, maxAttempts, cause) => {
  expect(wrong({ hedges: { h: { delay, maxAttempts } } })).toBe(
    `Could not read resiliency policy policy: invalid hedge configuration "h": ${cause}`,
  );
});

test.each(["-1", "much", "Infinity"])("a retry budget of %j is refused", (ratio) => {
  expect(wrong({ retryBudget: { ratio, minPerSecond: "" } })).toContain(
    `invalid retry budget: ratio must be a number of 0 or more (got ${ratio})`,
  );
});

test("the last definition of a name counts; a wrong resource leaves the others alone", () => {
  const { options, problems } = resiliencyFromDapr([
    resource({ timeouts: { t: "1s", u: "1s" } }, "one"),
    resource({ timeouts: { t: "2s" } }, "two"),
    resource({ timeouts: { t: "3s", v: "3s", w: "never" } }, "broken"),
  ]);
  expect(options.timeouts).toEqual({ t: 2_000, u: 1_000 });
  expect(problems).toHaveLength(1);
});
